/**
 * The one call to a gateway that must not be made in vain twice: `agent`. A gateway knows a run that it is asked for
 * again by its id, but only for some minutes and not after a restart: so its sessions are looked at first.
 */

import { performance } from "node:perf_hooks";
import { causeOf, InprocessError } from "../errors.ts";
import type { Refusal } from "../policy/spawn-policy.ts";
import type { Intent } from "../registry/intents.ts";
import { ask, messagesOf, sessionOf, waitForRun } from "./gateway-calls.ts";
import { isConnectFailure } from "./gateway-causes.ts";
import { started } from "./gateway-frames.ts";
import { firstTurn, leaveNothing, refusalOf, type Child } from "./gateway-open-child.ts";
import type { GatewayParts, RunOrigin } from "./gateway-run.ts";

export type Started = RunOrigin | { refusal: Refusal };

/**
 * @param askedBefore when it was asked for already without an answer; undefined for the first time
 * @throws InprocessError with a code of `isConnectFailure` only when the gateway certainly doesn't have the run
 */
export async function startChild(parts: GatewayParts, child: Child, askedBefore?: Intent): Promise<Started> {
  if (askedBefore !== undefined)
    return startAgain(parts, child, { acceptedAt: askedBefore.askedAt, knownAt: undefined });
  const { intents } = parts.registry;
  const { runId, idempotencyKey } = child.row;
  const askedAt = Date.now();
  // Without a key nobody can ask for it again.
  if (idempotencyKey !== undefined) intents.write(runId, { askedAt, gateway: parts.gateway });
  try {
    const answer = await start(parts, child);
    if ("refusal" in answer) {
      intents.drop(runId);
      leaveNothing(parts, child.row.childSessionKey);
    }
    return answer;
  } catch (error) {
    if (isConnectFailure(error)) intents.drop(runId);
    if (causeOf(error).code !== "gateway_lost") throw error;
  }
  return startAgain(parts, child, { acceptedAt: askedAt, knownAt: performance.now() });
}

/** @param before when it was asked */
async function startAgain(parts: GatewayParts, child: Child, before: Omit<RunOrigin, "isAdopted">): Promise<Started> {
  try {
    if (await isTaken(parts, child)) return { ...before, isAdopted: true };
    const answer = await start(parts, child);
    // That it isn't taken now doesn't say that it wasn't before.
    return "refusal" in answer && isFallbackCode(answer.refusal)
      ? { refusal: { ...answer.refusal, code: "gateway_lost" } }
      : answer;
  } catch (error) {
    throw inDoubt(error);
  }
}

async function start({ link }: GatewayParts, child: Child): Promise<Started> {
  const acceptedAt = Date.now();
  const asked = await ask(link, "agent", started, firstTurn(child), { once: true });
  return asked.ok ? { acceptedAt, knownAt: performance.now(), isAdopted: false } : { refusal: refusalOf(asked.error) };
}

/**
 * Whether a gateway that may not know the run by its id any more has its work all the same. Looked at always: how long
 * ago it was asked, and whether it was restarted since, would be known by clocks that may have been set.
 */
async function isTaken({ link }: GatewayParts, { row }: Child): Promise<boolean> {
  if ((await waitForRun(link, row.runId, 0)).over) return true;
  const session = await sessionOf(link, row.requesterSessionKey, row.childSessionKey);
  return session?.status !== undefined || (await messagesOf(link, row.childSessionKey, 1)).length > 0;
}

function isFallbackCode({ code }: Refusal): boolean {
  return code === "gateway_refused";
}

/** What fails for a run that may be taken never says that it isn't. */
export function inDoubt(error: unknown): unknown {
  if (!isConnectFailure(error)) return error;
  const message = `The gateway may have taken the run when it was asked for it before, and can't be asked again now: ${error.message}`;
  return new InprocessError("gateway_lost", message, { cause: error });
}
