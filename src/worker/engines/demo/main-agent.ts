/** What the demo model does as the main agent: spawns three, waits for their completions, builds the answer of them. */

import type { Message } from "@earendil-works/pi-ai";

import { JOBS, taskText } from "./jobs.ts";
import { followSpawns, type Child, type SpawnStory } from "./spawn-story.ts";
import type { Step } from "./script.ts";

export function mainReply(messages: readonly Message[]): Step {
  const story = followSpawns(messages);
  if (story.children.length === 0) return spawnAll(story.task);
  const pending = story.children.filter((child) => child.state === "accepted");
  if (pending.length > 0) return says(story.fresh.length > 0 ? noted(story, pending) : waiting(story, pending));
  // A completion handed over twice, or after the answer: nothing is left to say.
  return says(story.answered ? "NO_REPLY" : finalAnswer(story));
}

function says(say: string): Step {
  return { say, calls: [] };
}

function spawnAll(request: string): Step {
  return {
    say: "This is the scripted offline demo, not a language model: I hand three pieces of this to subagents and build the answer from what they find.",
    calls: JOBS.map((job) => ({ name: "sessions_spawn", args: { task: taskText(job, request), label: job.label } })),
  };
}

function waiting({ children }: SpawnStory, pending: Child[]): string {
  const refused = children.filter((child) => child.state === "refused").map(refusal);
  return [...refused, `Waiting for ${results(pending.length)}: ${names(pending)}.`].join(" ");
}

function noted({ fresh }: SpawnStory, pending: Child[]): string {
  const told = fresh.map(({ label, status }) => (status === "ok" ? label : `${label} (${status})`));
  return `Noted: ${told.join(", ")}. Waiting for ${results(pending.length)}: ${names(pending)}.`;
}

function finalAnswer({ task, children }: SpawnStory): string {
  const sections = children.map((child) => {
    const title = JOBS.find(({ label }) => label === child.label)?.title ?? child.label;
    return `## ${title}\n\n${section(child)}`;
  });
  const request = task.replace(/\s+/g, " ").slice(0, REQUEST_CHARS).trim();
  return [`# ${request === "" ? "What the subagents found" : request}`, ...sections, LAST_LINE].join("\n\n");
}

function section(child: Child): string {
  if (child.state === "refused") return refusal(child);
  const text = child.text === "(no output)" ? "" : asProse(child.text);
  if (child.status === "ok") return text === "" ? "The subagent ended without a word." : text;
  const why = child.reason === "" ? "" : `: ${child.reason}`;
  return [`**This subagent failed** (${child.status})${why}`, text].filter((part) => part !== "").join("\n\n");
}

function refusal({ label, reason }: Child): string {
  return `The subagent "${label}" could not be started: ${reason}`;
}

/** A child's headings would read as sections of ours. */
function asProse(text: string): string {
  const cut =
    text.length > SECTION_CHARS
      ? `${text.slice(0, SECTION_CHARS)}\n(${text.length - SECTION_CHARS} more characters)`
      : text;
  return cut.replace(/^(\s*)(#{1,6}\s)/gm, "$1\\$2");
}

function results(count: number): string {
  return count === 1 ? "1 result" : `${count} results`;
}

function names(children: Child[]): string {
  return children.map(({ label }) => label).join(", ");
}

const REQUEST_CHARS = 120;
const SECTION_CHARS = 8_000;
const LAST_LINE =
  "_The words of this answer were scripted (built-in demo model); what stands under the headings is what the subagents reported._";
