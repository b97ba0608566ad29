/** What the demo model does as a subagent: one of the three jobs, or a look at the top of the workspace. */

import type { Message } from "@earendil-works/pi-ai";

import { roundsOf, taskOf } from "./conversation.ts";
import { JOBS } from "./jobs.ts";
import { ask, list, play, type Script, type Step } from "./script.ts";
import { entriesOf, sentence } from "./tool-text.ts";

export function childReply(messages: readonly Message[]): Step {
  const task = taskOf(messages);
  const job = JOBS.find(({ opening }) => task.startsWith(opening));
  return play(job ? job.script() : lookAround(), roundsOf(messages));
}

function* lookAround(): Script {
  const [reply] = yield* ask("Looking at the top of the workspace.", [list()]);
  const preface = "The built-in demo model only has scripts for three jobs, and this task is none of them.";
  if (reply === undefined || reply.isError)
    return `${preface} The workspace can't be listed: ${sentence(reply?.text ?? "")}.`;
  const { dirs, files, cut } = entriesOf(reply.text);
  if (dirs.length + files.length === 0) return `${preface} The workspace is empty.`;
  const names = [...dirs.map((dir) => `${dir}/`), ...files];
  const more = names.length > SHOWN || cut ? ", and more" : "";
  return `${preface} The workspace has ${dirs.length} folders and ${files.length} files at its top: ${names.slice(0, SHOWN).join(", ")}${more}.`;
}

const SHOWN = 40;
