/** Looking at runs: one run's view, and waiting until several have settled. */

import { InprocessError } from "../errors.ts";
import type { Registry } from "../registry/registry.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { Outcome, Requester, RunState, RuntimeStats, RunView, WaitResult } from "../types.ts";
import type { LiveRuns, Parts, Records } from "./parts.ts";
import { completionOfRun } from "./read-completion.ts";
import type { TrackedRun } from "./tracked-run.ts";

/** A run in this process knows more of itself than its row. */
export function viewOf(row: RunRow, runs?: LiveRuns<TrackedRun>): RunView {
  const live = runs?.get(row.runId);
  const state = live?.state ?? row.state;
  const childSessions = runs?.childrenOf(row.childSessionKey).map((run) => run.sessionKey) ?? [];
  return {
    runId: row.runId,
    childSessionKey: row.childSessionKey,
    requesterSessionKey: row.requesterSessionKey,
    agentId: row.agentId,
    depth: row.depth,
    role: row.role,
    controlScope: row.role === "orchestrator" ? "children" : "none",
    mode: row.mode,
    context: row.context,
    task: row.task,
    state,
    usage: live?.usage ?? row.usage,
    pendingDescendants: row.pendingDescendants,
    createdAt: row.createdAt,
    delivery: row.delivery,
    ...(row.kept === undefined ? {} : { stays: true as const }),
    ...(childSessions.length === 0 ? {} : { childSessions }),
    ...(row.label === undefined ? {} : { label: row.label }),
    ...(row.taskName === undefined ? {} : { taskName: row.taskName }),
    ...(row.expectsCompletion ? {} : { expectsCompletionMessage: false as const }),
    ...(row.groupId === undefined ? {} : { groupId: row.groupId }),
    ...(row.tools === undefined ? {} : { tools: row.tools }),
    ...(row.budget === undefined ? {} : { budget: row.budget }),
    // Written, and not told yet: it may not be on the disk.
    ...(row.outcome === undefined || state !== "settled" ? {} : { outcome: row.outcome }),
    ...(row.model === undefined ? {} : { model: row.model }),
    ...(row.startedAt === undefined ? {} : { startedAt: row.startedAt }),
    ...(row.endedAt === undefined ? {} : { endedAt: row.endedAt }),
  };
}

/** @param loopUtilization of the host's loop, since the last look */
export function statsOf(parts: Parts, loopUtilization: number): RuntimeStats {
  const { pool, lane } = parts;
  return { ...statsWithoutThreads(parts, loopUtilization), threads: pool.stats(), queueWaitMs: lane.lastWaitMs };
}

/** The same for a runtime whose runs work elsewhere. */
export function statsWithoutThreads(
  { live, registry }: Pick<Records, "live" | "registry">,
  loopUtilization: number,
): RuntimeStats {
  const states = live.all().map((run) => run.state);
  const count = (state: RunState): number => states.filter((one) => one === state).length;
  return {
    threads: { total: 0, dedicated: 0, runs: [] },
    runs: { queued: count("queued"), running: count("running"), waiting: count("waiting") },
    outbox: registry.outbox.counts(),
    queueWaitMs: 0,
    loopUtilization,
    rssBytes: process.memoryUsage.rss(),
  };
}

/**
 * @param watchers told of every settlement, by run id, while this waits
 * @param aside what goes round the waiting itself, when there is any; the answer comes when that lets it through
 * @throws InprocessError `params_invalid`
 */
export async function waitFor(
  { registry, live }: Pick<Records, "registry" | "live">,
  runIds: string[],
  requester: Requester,
  options: { mode?: "all" | "any"; timeoutMs?: number; signal?: AbortSignal },
  watchers: Set<(runId: string) => void>,
  aside: (wait: Promise<WaitResult>) => Promise<WaitResult> = (wait) => wait,
): Promise<WaitResult> {
  const { timeoutMs = Infinity } = options;
  if (!(timeoutMs >= 0)) {
    throw new InprocessError("params_invalid", `wait: timeoutMs must be 0 or more milliseconds, not ${timeoutMs}.`);
  }
  const errors: WaitResult["errors"] = [];
  const mine = [...new Set(runIds)].filter((runId) => {
    const row = registry.run(runId);
    if (row !== undefined && isAbove(registry, requester.sessionKey, row)) return true;
    errors.push({ runId, error: row === undefined ? "not_found" : "not_owner" });
    return false;
  });
  const look = (timedOut: boolean): WaitResult => {
    const rows = mine.map((runId) => registry.run(runId)!);
    const ends = rows.map((row) => [row, endOf(row, live)] as const);
    return {
      completed: ends.flatMap(([row, end]) => (end === undefined ? [] : [completionOfRun(registry, row, end)])),
      pending: ends.flatMap(([{ runId }, end]) => (end === undefined ? [runId] : [])),
      errors,
      timedOut,
    };
  };
  const enough = ({ completed, pending }: WaitResult): boolean =>
    pending.length === 0 || (options.mode === "any" && completed.length > 0);

  const first = look(false);
  if (enough(first) || timeoutMs === 0) return { ...first, timedOut: !enough(first) };
  const unsettled = new Set(first.pending);
  const wait = new Promise<WaitResult>((resolve) => {
    const done = (timedOut: boolean): void => {
      watchers.delete(settled);
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", aborted);
      resolve(look(timedOut));
    };
    const settled = (runId: string): void => {
      if (unsettled.delete(runId) && (unsettled.size === 0 || options.mode === "any")) done(false);
    };
    const aborted = (): void => done(true);
    const timer = timeoutMs === Infinity ? undefined : setTimeout(() => done(true), Math.min(timeoutMs, TIMER_MAX_MS));
    watchers.add(settled);
    options.signal?.addEventListener("abort", aborted, { once: true });
    if (options.signal?.aborted) done(true);
  });
  return aside(wait);
}

/** Whether a session asked for this run, itself or through a child of its own. */
export function isAbove(registry: Registry, sessionKey: string, row: RunRow): boolean {
  if (row.requesterSessionKey === sessionKey || row.rootSessionKey === sessionKey) return true;
  const parent = registry.byChildSession(row.requesterSessionKey);
  return parent !== undefined && isAbove(registry, sessionKey, parent);
}

/** Undefined while there is one to wait for. */
function endOf({ runId, state, outcome }: RunRow, live: LiveRuns<TrackedRun>): Outcome | undefined {
  const run = live.get(runId);
  if (run !== undefined) return run.givenUp;
  // A settlement that isn't told yet may not be on the disk.
  return state === "settled" ? (outcome ?? { status: "ok" }) : undefined;
}

/** A timer of Node's that is set to more goes off at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;
