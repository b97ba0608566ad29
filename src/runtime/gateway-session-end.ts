/**
 * How a session ends whose run is over and was waited for by a process that died. That process may have redirected its
 * child in its last moment: then another run goes on in the session, whose id only it knew, and whose answer is the
 * child's.
 */

import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { sessionOf, type RunLook } from "./gateway-calls.ts";
import { endIn } from "./gateway-ending.ts";
import type { GatewayLink } from "./gateway-link.ts";
import { resultOf } from "./gateway-result.ts";
import type { GatewayRun } from "./gateway-run.ts";

/**
 * Resolves when nothing works in the session any more.
 * @param look how the run itself ended @returns how the last run of the session did
 * @throws InprocessError of the connection
 */
export async function endOfSession(
  link: GatewayLink,
  run: GatewayRun,
  look: Omit<RunLook, "over">,
  signal: AbortSignal,
): Promise<Omit<RunLook, "over">> {
  const { endedAt = 0 } = look;
  const since = performance.now();
  while (run.outcome.settled === undefined && run.ending === undefined && !signal.aborted) {
    const session = await sessionOf(link, run.facts.row.requesterSessionKey, run.sessionKey);
    if (session === undefined) return look;
    const end = endIn(session);
    if (end?.startedAt !== undefined && end.startedAt >= endedAt) return end;
    const goesOn = session.status === "running" && (session.startedAt ?? endedAt) >= endedAt;
    // Between two runs the session is free for a moment, with nothing but the new message in it.
    const mayGoOn = performance.now() - since < BETWEEN_MS;
    if (!goesOn) {
      const { failure } = await resultOf(link, run.sessionKey);
      if (failure?.code !== "run_interrupted" || !mayGoOn) return look;
    }
    await delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return look;
}

const LOOK_MS = 1_000;
const BETWEEN_MS = 10_000;
