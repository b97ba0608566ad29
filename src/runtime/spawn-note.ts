/** What a requester's model is told when a child of its has started: whether, and how, the result comes to it. */

import type { NewRun } from "../registry/run-row.ts";

/** @param started in a word or more, without a full stop @param before a remark on what was asked for */
export function spawnNote(
  { collect, expectsCompletion, kept }: Pick<NewRun, "collect" | "expectsCompletion" | "kept">,
  started = "Started",
  before?: string,
): string {
  const how = collect ? COLLECTED : expectsCompletion ? ANNOUNCED : SILENT;
  return [before, `${started}.`, how, kept && STAYS].filter(Boolean).join(" ");
}

const ANNOUNCED =
  "The result comes to you by itself as a message; don't poll for it. When you need several results, end your turn and wait for all of them before the final answer. If a result comes after your final answer and changes nothing, reply only NO_REPLY.";
const SILENT =
  "As you asked, nothing comes to you when it ends, so don't wait for it: when you want its result, fetch it with agents_wait and this runId.";
const COLLECTED =
  "Its result does not come by itself: fetch it with agents_wait and this runId, best together with the others you have started, and again until none is pending.";
const STAYS =
  "It stays in its thread when it has answered: send it follow-ups with sessions_send, and end it with subagents kill.";
