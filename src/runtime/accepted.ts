/** The first word of a run's life, told to whoever watches. */

import type { Records } from "./parts.ts";
import { identity, type TrackedRun } from "./tracked-run.ts";

/** @param queuePosition runs ahead of it in the lane */
export function tellAccepted({ hub }: Pick<Records, "hub">, run: TrackedRun, queuePosition = 0): void {
  const { task, agentId, depth, label, rootSessionKey } = run.facts.row;
  const named = label === undefined ? {} : { label };
  hub.publish({ ...identity(run), type: "accepted", task, agentId, depth, queuePosition, ...named }, rootSessionKey);
}
