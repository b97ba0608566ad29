/**
 * How a session ends whose run was waited for by a process that died. That process may have redirected its child in its
 * last moment: then what is over is the turn that was interrupted for another one, and that one's answer is the child's.
 */

import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { sessionOf, type RunEnd, type SessionLook } from "./gateway-calls.ts";
import { lastEnd } from "./gateway-ending.ts";
import type { GatewayLink } from "./gateway-link.ts";
import { resultOf } from "./gateway-result.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";

/**
 * @param own how the run itself ended, if the gateway knows it by its id
 * @returns how the last run of the session did; undefined while one works there, or may be about to begin
 * @throws InprocessError of the connection
 */
export async function endOfSession(
  parts: Pick<GatewayParts, "link" | "secrets">,
  run: GatewayRun,
  session: SessionLook | undefined,
  own?: RunEnd,
): Promise<RunEnd | undefined> {
  const end = lastEnd(session, own);
  if (end === undefined || session === undefined || run.ending !== undefined || !mayBeRedirected(run)) return end;
  // Between two turns the session is free for a moment, with nothing but the new message in it.
  const { failure } = await resultOf(parts, run.sessionKey);
  return failure?.code === "run_interrupted" ? undefined : end;
}

/** Asked for twice before it counts as deleted: it had one when it was accepted. */
export async function sessionFor(
  link: GatewayLink,
  { facts, sessionKey }: GatewayRun,
  signal: AbortSignal,
): Promise<SessionLook | undefined> {
  const look = () => sessionOf(link, facts.row.requesterSessionKey, sessionKey);
  const session = await look();
  if (session !== undefined) return session;
  await delay(LOOK_AGAIN_MS, undefined, { signal, ref: false });
  return look();
}

/** Whether its process may have told the gateway something just before it died, with which that hasn't begun yet. */
export function mayBeRedirected({ isAdopted, followedAt }: GatewayRun): boolean {
  return isAdopted && performance.now() - followedAt < BEGINS_MS;
}

/** By then it has begun, or it never will. */
const BEGINS_MS = 15_000;
const LOOK_AGAIN_MS = 1_000;
