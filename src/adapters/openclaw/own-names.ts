/** The names that our tools have in a gateway, and sentences that name them: by the others a model would reach the core's. */

import type { ToolOutput } from "../../host.ts";

/** A plugin's tool may not have the name of one of the core's. */
export const OWN_SUFFIX = "_inprocess";

export function renamed(text: string): string {
  return text.replace(TOOL_NAMES, `$&${OWN_SUFFIX}`);
}

/** Only what refuses, and the note of a spawn: a result's other words may be a subagent's. */
export function renamedWords(output: ToolOutput): ToolOutput {
  const { details } = output;
  if (typeof details !== "object" || details === null) return output;
  const { error, text, note, status } = details as Record<string, unknown>;
  const words = {
    ...(typeof error === "string" ? { error: renamed(error) } : {}),
    ...(typeof error === "string" && typeof text === "string" ? { text: renamed(text) } : {}),
    ...(status === "accepted" && typeof note === "string" ? { note: renamed(note) } : {}),
  };
  if (Object.keys(words).length === 0) return output;
  const result = { ...details, ...words };
  return { ...output, content: [{ type: "text", text: JSON.stringify(result) }], details: result };
}

/** Where a sentence names one; `subagents` is a word besides, and is named in quotes or before a colon. */
const TOOL_NAMES =
  /\b(?:sessions_(?:spawn|history|send|list|yield)|agents_(?:list|wait))\b|(?<=`)subagents(?=`)|^subagents(?=:)/g;
