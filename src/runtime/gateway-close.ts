/**
 * The end of a gateway runtime: time to drain, then what still works is ended in the gateway too, for nobody waits for
 * it. What waits in the gateway's lane can't be taken out of it: that is left unsettled, to whoever uses the registry next.
 */

import type { Cause } from "../errors.ts";
import type { Outcome } from "../types.ts";
import type { Following } from "./gateway-follow.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";
import type { GatewaySpawns } from "./gateway-spawn.ts";
import { drain, withinGrace } from "./close.ts";
import type { Settler } from "./settler.ts";

/** `stop` ends recovering and announcing, once nothing settles any more. */
export type Closing = {
  settler: Settler<GatewayRun>;
  following: Following;
  spawns: GatewaySpawns;
  drainMs: number;
  stop(): Promise<void>;
};

export async function closeGateway(parts: GatewayParts, closing: Closing): Promise<void> {
  const { settler, following, spawns, drainMs, stop } = closing;
  const { live, hub, link, registry, logger } = parts;
  await drain(parts, drainMs);
  // A gateway that never let this process in has nothing of it to end: nobody waits for its handshake.
  if (live.size === 0 && !link.wasOpen) await link.close();
  const outcome: Outcome = { status: "interrupted", cause: CLOSED };
  const asked = new Set<GatewayRun>();
  const endAll = (): Promise<unknown> => {
    const others = live.all().filter((run) => !asked.has(run));
    for (const run of others) asked.add(run);
    return Promise.allSettled(others.map((run) => following.end(run, outcome)));
  };
  // Those that are being asked for are at work once they are accepted.
  await withinGrace(Promise.all([endAll(), spawns.close().then(endAll)]), parts);
  following.close();
  const left = live.all().filter((run) => run.waits && run.state === "queued" && run.outcome.settled === undefined);
  const others = live.all().filter((run) => !left.includes(run));
  await Promise.all(others.map((run) => settler.settle(run, run.ending ?? outcome)));
  if (left.length > 0) logger.warn({ runIds: left.map(({ id }) => id) }, LEFT);
  await settler.written();
  await stop();
  hub.close();
  await link.close();
  await registry.close();
}

const CLOSED: Cause = { code: "run_interrupted", message: "The runtime was closed before the run was done." };
const LEFT =
  "subagents wait in the gateway's queue, from which nothing can be taken: whoever opens this state directory next looks after them";
