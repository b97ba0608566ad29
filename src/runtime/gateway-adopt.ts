/** Runs of a gateway's that a dead process waited for: the gateway still has them, or has their answer. */

import type { Following } from "./gateway-follow.ts";
import { KILLED } from "./gateway-ending.ts";
import { endWish, GatewayRun, isGatewayRun, type GatewayParts } from "./gateway-run.ts";

/** Takes them over and follows them to their end. Their time-out is the gateway's to keep. */
export function adoptLeft({ registry, live, logger }: GatewayParts, following: Following): void {
  // One that was being given up for another in its session is settled like any that is left.
  const isCurrent = (runId: string, sessionKey: string): boolean =>
    registry.byChildSession(sessionKey)?.runId === runId;
  const redirected = new Set<string>();
  const left = registry.adoptDead(Date.now(), (row) => {
    if (!isGatewayRun(row)) return false;
    if (isCurrent(row.runId, row.childSessionKey)) return true;
    redirected.add(row.childSessionKey);
    return false;
  });
  for (const row of left) {
    logger.warn({ runId: row.runId }, "a run in the gateway is taken over: the process that waited for it had ended");
    const run = new GatewayRun(row, 0, {
      acceptedAt: row.createdAt,
      isAdopted: true,
      isRedirected: redirected.has(row.childSessionKey),
    });
    run.startedAt = row.startedAt;
    if (row.state !== "queued") run.state = "running";
    live.add(run);
    following.follow(run);
    if (registry.intents.askedAt(endWish(row.runId)) !== undefined) following.endOnceBegun(run, KILLED);
  }
}
