/** The end of a runtime: no more spawns, time to drain, then whatever is unsettled is settled as interrupted. */

import type { Cause } from "../errors.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts, Records } from "./parts.ts";
import type { Settler } from "./settler.ts";

/** @param stop ends watching and announcing, once nothing settles any more */
export async function close(parts: Parts, settler: Settler, drainMs: number, stop: () => Promise<void>): Promise<void> {
  const { pool, hub, live, registry } = parts;
  await drain(parts, drainMs);
  const runs = live.all();
  for (const run of runs) parts.lane.remove(run.id);
  const executions = runs.flatMap((run) => (run.execution === undefined ? [] : [run.execution]));
  await Promise.all(runs.map((run) => interrupt(run, settler)));
  // Aborted runs flush their transcripts; those that don't let go in time lose their thread.
  await withinGrace(Promise.all(executions.map((execution) => execution.released)), parts);
  await stop();
  hub.close();
  await pool.close();
  await registry.close();
}

export async function drain({ live }: Pick<Records, "live">, drainMs: number): Promise<void> {
  const until = performance.now() + drainMs;
  while (live.size > 0 && performance.now() < until) await delay(Math.min(20, drainMs));
}

async function interrupt(run: LiveRun, settler: Settler): Promise<void> {
  await run.stop(CLOSED);
  await settler.settle(run, { status: "interrupted", cause: CLOSED });
}

export async function withinGrace(released: Promise<unknown>, { config }: Pick<Parts, "config">): Promise<void> {
  const { abortMs, terminateMs } = config.subagents.grace;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  // Taken back afterwards: it would hold a process that has nothing else to do.
  const timer = setTimeout(resolve, abortMs + terminateMs);
  await Promise.race([released, over]);
  clearTimeout(timer);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const CLOSED: Cause = { code: "run_interrupted", message: "The runtime was closed before the run was done." };
