/**
 * The one call to a gateway that must not be made in vain twice: `agent`. A gateway knows a run that it is asked for
 * again by its id, but only for some minutes and not after a restart: so its sessions are looked at first.
 */

import { performance } from "node:perf_hooks";
import { causeOf, InprocessError } from "../errors.ts";
import type { Refusal } from "../policy/spawn-policy.ts";
import type { Intent } from "../registry/intents.ts";
import { ask, sessionOf, waitForRun } from "./gateway-calls.ts";
import { isConnectFailure } from "./gateway-causes.ts";
import { hasWork } from "./gateway-doubt.ts";
import { started } from "./gateway-frames.ts";
import { firstTurn, leaveNothing, refusalOf, type Child } from "./gateway-open-child.ts";
import type { GatewayParts, RunOrigin } from "./gateway-run.ts";

export type Started = RunOrigin | { refusal: Refusal };

/**
 * The run is written down as one that is asked for, and stays so until it is accepted or certainly not taken.
 * @param askedBefore when it was asked for already without an answer; undefined for the first time
 * @returns also with `doubt`: the gateway may have taken it, and is to be asked after it
 * @throws InprocessError with a code of `isConnectFailure` when the gateway certainly doesn't have the run; `runtime_closed`
 */
export async function startChild(parts: GatewayParts, child: Child, askedBefore?: Intent): Promise<Started> {
  if (askedBefore !== undefined) {
    return startAgain(parts, child, { acceptedAt: askedBefore.askedAt, knownAt: undefined });
  }
  const { intents } = parts.registry;
  const { row } = child;
  const { runId } = row;
  const askedAt = (row.createdAt = Date.now());
  intents.write(runId, { askedAt, gateway: parts.gateway, run: row });
  try {
    const answer = await start(parts, child);
    if ("refusal" in answer) {
      intents.drop(runId);
      leaveNothing(parts, row);
    }
    return answer;
  } catch (error) {
    if (isConnectFailure(error)) {
      intents.drop(runId);
      throw error;
    }
    if (causeOf(error).code !== "gateway_lost") return doubtful(parts, child, asked(askedAt), error);
  }
  return startAgain(parts, child, asked(askedAt));
}

/** @param before when it was asked */
async function startAgain(parts: GatewayParts, child: Child, before: Before): Promise<Started> {
  let last = before;
  try {
    if (await isTaken(parts, child)) return { ...before, isAdopted: true };
    last = asked(before.acceptedAt);
    const answer = await start(parts, child);
    if (!("refusal" in answer)) return answer;
    // That it isn't taken now doesn't say that it wasn't before.
    return doubtful(parts, child, last, new InprocessError(answer.refusal.code, answer.refusal.message));
  } catch (error) {
    return doubtful(parts, child, last, error);
  }
}

type Before = Pick<RunOrigin, "acceptedAt" | "knownAt">;

/** The gateway's process that is reached by now may have the run; a later one knows nothing of it. */
function asked(acceptedAt: number): Before {
  return { acceptedAt, knownAt: performance.now() };
}

/** @throws InprocessError `runtime_closed`: nobody here can ask any more */
function doubtful(parts: GatewayParts, child: Child, before: Before, error: unknown): RunOrigin {
  const { code, message } = causeOf(error);
  if (code === "runtime_closed") throw error;
  const { runId, childSessionKey: sessionKey } = child.row;
  const why = `the gateway may have taken a run, and is asked after it: ${message}`;
  parts.logger.warn({ runId, sessionKey, code }, why);
  return { ...before, isAdopted: true, doubt: { askAgain: () => start(parts, child) } };
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
  return hasWork(link, row.childSessionKey, await sessionOf(link, row.requesterSessionKey, row.childSessionKey));
}

/** What fails for a run that may be taken never says that it isn't. */
export function inDoubt(error: unknown): unknown {
  if (!isConnectFailure(error)) return error;
  const message = `The gateway may have taken the run when it was asked for it before, and can't be asked again now: ${error.message}`;
  return new InprocessError("gateway_lost", message, { cause: error });
}
