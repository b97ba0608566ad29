/** Who is told when a run is over. */

import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { LiveRun } from "./live-run.ts";

/** Told once for each run by the process that saw it; what takes a while goes on by itself. */
export type AfterRun = {
  /** Settled, on the disk, and no live run any more. @param owes a completion is on its way to its requester */
  settled?(run: LiveRun, owes: boolean): void;
  /** Its completion was handed over; the run may have been another process's. */
  delivered?(row: RunRow): void;
};

/** A hook that throws is logged and keeps no other from being told. */
export function tellEach(hooks: readonly AfterRun[], logger: Logger): Required<AfterRun> {
  const each = (runId: string, tell: (hook: AfterRun) => void): void => {
    for (const hook of hooks) {
      try {
        tell(hook);
      } catch (error) {
        logger.error({ runId }, `what comes after a run failed: ${messageOf(error)}`);
      }
    }
  };
  return {
    settled: (run, owes) => each(run.id, (hook) => hook.settled?.(run, owes)),
    delivered: (row) => each(row.runId, (hook) => hook.delivered?.(row)),
  };
}
