/** A run as the session tools show it: OpenClaw's fields and words. */

import { clip, wholeStart } from "../sessions/clip.ts";
import type { Completion, RunView } from "../types.ts";

/** @param index its number in the list, from 1 */
export function runRow(run: RunView, index: number) {
  const ms = runtimeMs(run);
  return {
    index,
    runId: run.runId,
    sessionKey: run.childSessionKey,
    label: runLabel(run),
    ...(run.taskName === undefined ? {} : { taskName: run.taskName }),
    task: clip(run.task, 200),
    status: statusWord(run),
    pendingDescendants: run.pendingDescendants,
    runtime: `${Math.round(ms / 1000)}s`,
    runtimeMs: ms,
    ...(run.childSessions === undefined ? {} : { childSessions: run.childSessions }),
    model: run.model,
    totalTokens: run.usage.totalTokens,
    startedAt: run.startedAt,
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
    ...(run.stays === undefined ? {} : { stays: run.stays }),
    // Nobody was told of its end, and nobody will be: it is to be asked for.
    ...(run.delivery === "undelivered" ? { delivery: run.delivery } : {}),
  };
}

/** What a run came to. One that could not be delivered has its answer here alone, so more of it is shown. */
export function shownResult({ text, textBytesCut = 0, outcome }: Completion, { delivery }: RunView) {
  const result = wholeStart(text, delivery === "undelivered" ? UNDELIVERED_CHARS : RESULT_CHARS);
  const left = text.length - result.length;
  return {
    result,
    ...(left > 0 ? { resultCharsCut: left } : {}),
    ...(textBytesCut > 0 ? { resultBytesCut: textBytesCut } : {}),
    ...(outcome.cause === undefined ? {} : { reason: outcome.cause.message }),
  };
}

export function isActive(run: RunView): boolean {
  return run.state !== "settled" || run.pendingDescendants > 0;
}

/** Whether a message of it is still to come to its requester, as far as anybody can know. */
export function willTell(run: RunView): boolean {
  if (run.delivery === "pending") return true;
  // What the children of one that is over find goes to whoever asked for that one.
  return run.state === "settled" ? run.pendingDescendants > 0 : run.expectsCompletionMessage !== false;
}

export function runLabel({ label, task }: RunView): string {
  return label ?? clip(task.replace(/\s+/g, " ").trim(), 60);
}

export function runtimeMs({ startedAt, endedAt }: RunView): number {
  return startedAt === undefined ? 0 : (endedAt ?? Date.now()) - startedAt;
}

/** `queued | running | active (waiting on N children) | done | failed | timeout`. */
export function statusWord(run: RunView): string {
  const { pendingDescendants: below } = run;
  if (below > 0 && run.state !== "running" && run.state !== "queued") {
    return `active (waiting on ${below} ${below === 1 ? "child" : "children"})`;
  }
  if (run.state !== "settled") return run.state === "queued" ? "queued" : "running";
  if (run.outcome?.status === "ok") return "done";
  return run.outcome?.status === "timeout" ? "timeout" : "failed";
}

const RESULT_CHARS = 4_000;
/** As much as a delivery would have shown. */
const UNDELIVERED_CHARS = 48_000;
