/**
 * Finds threads whose loop has stopped turning: a run that computes without end stalls every run beside it. Seen from
 * the main thread: the thread is busy all the time and answers no ping. It is ended, and since nobody can tell which
 * run it was, each goes on from its transcript in a dedicated thread; stuck there, the culprit is known by name.
 */

import type { Cause } from "../errors.ts";
import type { Execution } from "./execution.ts";
import type { Parts } from "./parts.ts";

/** Milliseconds between two looks, and of silence before a thread counts as stuck. */
export type StuckAfter = { lookMs: number; stuckMs: number };

/** Returns the function that stops the watching. */
export function watchThreads(
  { live, pool, logger }: Pick<Parts, "live" | "pool" | "logger">,
  { lookMs, stuckMs }: StuckAfter = STUCK_AFTER,
): () => void {
  const timer = setInterval(() => {
    const executions = live.all().flatMap((run) => (run.execution?.threadId === undefined ? [] : [run.execution]));
    if (executions.length === 0) return;
    const busy = pool.utilization();
    for (const [threadId, runs] of byThread(executions)) {
      if (runs.every((run) => run.silentMs > stuckMs) && (busy.get(threadId) ?? 0) > BUSY) {
        logger.warn({ threadId, runs: runs.length }, "a worker thread's loop has stopped turning; the thread is ended");
        for (const run of runs) run.terminate(stuck(stuckMs));
      }
    }
    for (const execution of executions) execution.ping();
  }, lookMs).unref();
  return () => clearInterval(timer);
}

function byThread(executions: Execution[]): Map<number, Execution[]> {
  const threads = new Map<number, Execution[]>();
  for (const execution of executions) {
    const runs = threads.get(execution.threadId!) ?? [];
    threads.set(execution.threadId!, [...runs, execution]);
  }
  return threads;
}

function stuck(stuckMs: number): Cause {
  return { code: "worker_stuck", message: `The loop of the run's thread stopped turning for ${stuckMs / 1000} s.` };
}

/** Longer than any tool of ours or a large JSON.parse holds a thread; a thread at nice 10 may be slow on a busy machine. */
const STUCK_AFTER: StuckAfter = { lookMs: 2_000, stuckMs: 15_000 };
const BUSY = 0.95;
