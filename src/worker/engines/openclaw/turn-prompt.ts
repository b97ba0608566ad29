/** The message that opens a turn of a session whose transcript the runner keeps. */

import { readFileSync } from "node:fs";
import type { EngineTask } from "../../../channel/protocol.ts";
import { openingMessage } from "../../prompts.ts";

export function turnPrompt(task: EngineTask): string {
  const before = readTranscript(task.transcriptPath);
  if (task.resume === "thread_lost" && holds(before, task.prompt)) return THREAD_LOST;
  const prompt = task.prompt ?? GO_ON;
  // A transcript made from another one holds nothing of this session yet.
  return before === "" || task.forkOf !== undefined ? openingMessage(task, prompt) : prompt;
}

/** For the next model: the one before has failed, perhaps after it had done a part of the work. */
export function afterFailure(task: EngineTask, prompt: string): string {
  return holds(readTranscript(task.transcriptPath), prompt) ? MODEL_FAILED : prompt;
}

/** Of what was said to the run, what its transcript doesn't hold; undefined when it holds all. */
export function unheard(task: EngineTask, said: string[]): string | undefined {
  if (said.length === 0) return undefined;
  const transcript = readTranscript(task.transcriptPath);
  return said.filter((text) => !holds(transcript, text)).join("\n\n") || undefined;
}

/** As it stands in the file, quotes and line ends written out. */
function holds(transcript: string, prompt: string | undefined): boolean {
  return prompt !== undefined && transcript.includes(JSON.stringify(prompt).slice(1, -1));
}

function readTranscript(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const THREAD_LOST = [
  "The thread this session was running in was lost, and it goes on in another one. What stands above is kept.",
  "A tool call that was under way may have had its effect or not: assume neither, look before you repeat it.",
  "Go on with your task.",
].join("\n");
const MODEL_FAILED =
  "The model before you failed in the midst of this turn. What it has said and done stands above; go on from there.";
const GO_ON = "Go on with your task.";
