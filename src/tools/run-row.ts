/** A run as the session tools show it: OpenClaw's fields and words. */

import { clip, wholeStart } from "../sessions/clip.ts";
import { labelOf } from "../sessions/shown-label.ts";
import type { Completion, RunView } from "../types.ts";

/** What is known of a run that isn't its session's newest any more: no list has it. */
export type Shown = Pick<RunView, Told> & Partial<Omit<RunView, Told>>;
type Told = "runId" | "childSessionKey" | "task" | "state" | "usage" | "pendingDescendants";

/**
 * @param index its number in the list, from 1
 * @param ms how long it has worked, in milliseconds
 */
export function runRow(run: Shown, index: number, ms = runtimeMs(run)) {
  return {
    index,
    runId: run.runId,
    sessionKey: run.childSessionKey,
    label: labelOf(run),
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
export function shownResult({ text, textBytesCut = 0, outcome }: Completion, { delivery }: Shown) {
  const result = wholeStart(text, delivery === "undelivered" ? UNDELIVERED_CHARS : RESULT_CHARS);
  const left = text.length - result.length;
  return {
    result,
    ...(left > 0 ? { resultCharsCut: left } : {}),
    ...(textBytesCut > 0 ? { resultBytesCut: textBytesCut } : {}),
    ...(outcome.cause === undefined ? {} : { reason: outcome.cause.message }),
  };
}

/**
 * A run by its result alone: in its session another was begun, or it ended longer ago than lists go back.
 * @param session the newest run of its session, when a list has it
 */
export function endedRun(completion: Completion, session: RunView | undefined): Shown {
  const { runId, childSessionKey, task, label, model, usage, outcome } = completion;
  return {
    ...{ runId, childSessionKey, task, usage, outcome, state: "settled", pendingDescendants: 0 },
    ...(label === undefined ? {} : { label }),
    ...(model === undefined ? {} : { model }),
    ...(session?.taskName === undefined ? {} : { taskName: session.taskName }),
    ...(session?.stays === undefined ? {} : { stays: session.stays }),
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

export function runtimeMs({ startedAt, endedAt }: Shown): number {
  return startedAt === undefined ? 0 : (endedAt ?? Date.now()) - startedAt;
}

/** `queued | running | active (waiting on N children) | done | failed | timeout`. */
export function statusWord(run: Shown): string {
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
