/** The end of a gateway runtime: time to drain, then what still works is ended in the gateway too, for nobody waits for it. */

import type { Cause } from "../errors.ts";
import type { Outcome } from "../types.ts";
import type { Following } from "./gateway-follow.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";
import { drain, withinGrace } from "./close.ts";
import type { Settler } from "./settler.ts";

/** @param stop ends recovering and announcing, once nothing settles any more */
export async function closeGateway(
  parts: GatewayParts,
  settler: Settler<GatewayRun>,
  following: Following,
  drainMs: number,
  stop: () => Promise<void>,
): Promise<void> {
  const { live, hub, link, registry } = parts;
  await drain(parts, drainMs);
  const outcome: Outcome = { status: "interrupted", cause: CLOSED };
  const runs = live.all();
  await withinGrace(Promise.allSettled(runs.map((run) => following.end(run, outcome))), parts);
  following.close();
  await Promise.all(live.all().map((run) => settler.settle(run, outcome)));
  await settler.written();
  await stop();
  hub.close();
  await link.close();
  await registry.close();
}

const CLOSED: Cause = { code: "run_interrupted", message: "The runtime was closed before the run was done." };
