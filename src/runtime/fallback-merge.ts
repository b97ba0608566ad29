/** One answer out of two runtimes' that share a registry. */

import type { EventFilter, RunEvent } from "../events.ts";
import type { KillResult, Requester, RuntimeStats, RunView, WaitResult } from "../types.ts";
import { EventHub } from "./event-hub.ts";
import type { SubagentRuntime } from "./runtime.ts";
import { endedText } from "./targets.ts";

export type WaitOptions = NonNullable<Parameters<SubagentRuntime["wait"]>[2]>;

/** Runs of two runtimes under one time-out: with `any`, the first to settle in either ends both. */
export async function waitForBoth(
  groups: readonly { runtime: SubagentRuntime; runIds: string[] }[],
  requester: Requester,
  options: WaitOptions,
): Promise<WaitResult> {
  const enough = new AbortController();
  const signal = options.signal === undefined ? enough.signal : AbortSignal.any([options.signal, enough.signal]);
  const waits = groups.map(async ({ runtime, runIds }) => {
    try {
      const result = await runtime.wait(runIds, requester, { ...options, signal });
      if (options.mode === "any" && result.completed.length > 0) enough.abort();
      return result;
    } catch (error) {
      enough.abort();
      throw error;
    }
  });
  const results = await Promise.all(waits);
  const completed = results.flatMap((result) => result.completed);
  const pending = results.flatMap((result) => result.pending);
  return {
    completed,
    pending,
    errors: results.flatMap((result) => result.errors),
    timedOut: pending.length > 0 && !(options.mode === "any" && completed.length > 0),
  };
}

/** What was ended in either; a refusal only counts when nothing was ended in the other. */
export function bothKilled(one: KillResult, other: KillResult): KillResult {
  const [first, second] = rank(one) >= rank(other) ? [one, other] : [other, one];
  if (first.status !== "ok") return first;
  // Of several, those that couldn't be ended aren't passed over in silence.
  if (isRefusal(second)) return { ...first, text: `${first.text} ${second.text}` };
  if (second.status !== "ok") return first;
  const killed = (first.killed ?? 0) + (second.killed ?? 0);
  return {
    ...first,
    cascadeKilled: first.cascadeKilled + second.cascadeKilled,
    cascadeLabels: [...first.cascadeLabels, ...second.cascadeLabels],
    killed,
    labels: [...(first.labels ?? []), ...(second.labels ?? [])],
    text: [endedText(killed), ...besides(first), ...besides(second)].join(" "),
  };
}

/** @param owned whose view counts where both have one */
export function bothListed(here: RunView[], there: RunView[], owned: (run: RunView) => boolean): RunView[] {
  const theirs = new Map(there.filter(owned).map((run) => [run.runId, run]));
  return here.map((run) => theirs.get(run.runId) ?? run);
}

/** The process, its loop and what was given up are the same for both. */
export function bothStats(one: RuntimeStats, other: RuntimeStats): RuntimeStats {
  return {
    threads: {
      total: one.threads.total + other.threads.total,
      dedicated: one.threads.dedicated + other.threads.dedicated,
      runs: [...one.threads.runs, ...other.threads.runs],
    },
    runs: {
      queued: one.runs.queued + other.runs.queued,
      running: one.runs.running + other.runs.running,
      waiting: one.runs.waiting + other.runs.waiting,
    },
    outbox: {
      pending: one.outbox.pending + other.outbox.pending,
      undelivered: Math.max(one.outbox.undelivered, other.outbox.undelivered),
    },
    queueWaitMs: one.queueWaitMs,
    loopUtilization: one.loopUtilization,
    rssBytes: one.rssBytes,
  };
}

/** From now on, until both have ended or the consumer returns. */
export function bothEvents(runtimes: readonly SubagentRuntime[], filter?: EventFilter): AsyncIterable<RunEvent> {
  const hub = new EventHub();
  const merged = hub.subscribe({ text: true });
  const handOn = async (events: AsyncIterable<RunEvent>): Promise<void> => {
    for await (const event of events) {
      // The consumer has returned: so does this.
      if (!hub.wantsText(event.runId, event.requesterSessionKey)) return;
      hub.publish(event, event.requesterSessionKey);
    }
  };
  // Both are asked for now, before anything else happens.
  void Promise.allSettled(runtimes.map((runtime) => runtime.events(filter)).map(handOn)).then(() => hub.close());
  return merged;
}

/** What was said besides how many were ended. */
function besides({ killed = 0, text }: { killed?: number; text: string }): string[] {
  const more = text.replace(endedText(killed), "").trim();
  return more === "" ? [] : [more];
}

function isRefusal(result: KillResult): boolean {
  return result.status === "error" || result.status === "forbidden";
}

function rank({ status }: KillResult): number {
  return status === "ok" ? 2 : status === "done" ? 1 : 0;
}
