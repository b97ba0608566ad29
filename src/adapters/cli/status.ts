/** A state folder in a few lines: processes at work on it, runs by state, completions on their way. */

import { existsSync } from "node:fs";
import { openRegistry } from "../../registry/registry.ts";
import type { DeliveryState, RunState } from "../../types.ts";
import { stateLayout } from "../state-layout.ts";
import { counted } from "./units.ts";

export async function statusLines(stateDir: string, json: boolean): Promise<string[]> {
  const { registry: file } = stateLayout(stateDir);
  if (!existsSync(file)) {
    return [json ? JSON.stringify({ stateDir, runs: {} }) : `no runs yet: there is no registry in ${stateDir}`];
  }
  const registry = openRegistry({ file, readOnly: true });
  try {
    const rows = registry.listRuns({ limit: COUNTED });
    const inState = (state: RunState): number => rows.filter((row) => row.state === state).length;
    const owed = (delivery: DeliveryState): number => rows.filter((row) => row.delivery === delivery).length;
    const runs = {
      running: inState("running"),
      waiting: inState("waiting"),
      queued: inState("queued"),
      settled: inState("settled"),
    };
    const results = { pending: owed("pending"), undelivered: owed("undelivered") };
    const processes = registry.owners().length;
    if (json) return [JSON.stringify({ stateDir, processes, runs, results })];
    return [
      `state      ${stateDir}`,
      `at work    ${runs.running} running, ${runs.waiting} waiting for children, ${runs.queued} queued (by ${processes} gateway${processes === 1 ? "" : "s"})`,
      `settled    ${counted(runs.settled, "run")} of the last 7 days`,
      `results    ${results.pending} on their way, ${results.undelivered} undelivered`,
    ];
  } finally {
    await registry.close();
  }
}

/** More than a registry keeps of a week. */
const COUNTED = 1_000_000;
