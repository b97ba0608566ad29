/** How a run settles that has ended in the gateway. */

import { causeOf, type Cause } from "../errors.ts";
import type { Outcome } from "../types.ts";
import type { RunEnd, SessionLook } from "./gateway-calls.ts";
import type { GatewayRun } from "./gateway-run.ts";
import { shownSaid } from "./gateway-said.ts";

/**
 * A run whose model failed is `ok` to the gateway, which has said so in the session; so is one that was stopped as a
 * chat.
 * @param secrets exact values that its cause must not hold
 * @param fault what its messages say is wrong with them
 */
export function outcomeOf(run: GatewayRun, look: RunEnd, secrets: readonly string[], fault?: Cause): Outcome {
  const { status, error } = look;
  if (status === "error") {
    const why = error === undefined ? (fault?.message ?? "it gave no reason") : shownSaid(error, secrets);
    const message = `The gateway reports that the run failed: ${why}.`;
    return { status, cause: { code: "engine_failed", message } };
  }
  if (status === "timeout" || fault?.code === "run_interrupted") {
    return hadItsTime(run, look) ? timedOut(run) : { status: "interrupted", cause: ENDED_THERE };
  }
  return fault === undefined ? { status } : { status: "error", cause: fault };
}

export function timedOut({ timeoutMs }: GatewayRun): Outcome {
  const message = `The run took longer than its ${timeoutMs / 1000} s (runTimeoutSeconds).`;
  return { status: "timeout", cause: { code: "run_timeout", message } };
}

/**
 * The last end in a session, as its entry tells it; undefined while something works there.
 * @param own how the run itself ended, as it tells by its id
 */
export function lastEnd(session: SessionLook | undefined, own?: RunEnd): RunEnd | undefined {
  if (own === undefined) return endIn(session);
  const { endedAt = 0 } = own;
  const startedAt = session?.startedAt;
  if (session?.status === "running" && (startedAt ?? endedAt) >= endedAt) return undefined;
  return startedAt !== undefined && startedAt >= endedAt ? (endIn(session) ?? own) : own;
}

function endIn(session: SessionLook | undefined): RunEnd | undefined {
  if (session?.status === undefined || session.endedAt === undefined) return undefined;
  const { startedAt, endedAt } = session;
  const times = { endedAt, ...(startedAt === undefined ? {} : { startedAt }) };
  if (session.status === "done") return { status: "ok", ...times };
  if (session.status === "failed") return { status: "error", ...times };
  return session.status === "killed" || session.status === "timeout" ? { status: "timeout", ...times } : undefined;
}

/** The gateway counts the run's time too, and may be the first to find it over. */
function hadItsTime({ timeoutMs, startedAt: heardAt }: GatewayRun, { startedAt, endedAt }: RunEnd): boolean {
  if (timeoutMs === 0) return false;
  const theirs = startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt;
  const ran = theirs ?? (heardAt === undefined ? 0 : Date.now() - heardAt);
  return ran >= timeoutMs - SLACK_MS;
}

/** @param ms how long it was tried */
export function lostSight(error: unknown, ms: number): Outcome {
  const why = causeOf(error).message;
  const message = `The gateway couldn't be asked about the run for ${ms / 60_000} minutes, so how it ended isn't known: ${why}`;
  return { status: "interrupted", cause: { code: "gateway_lost", message } };
}

export const FORGOTTEN: Outcome = {
  status: "interrupted",
  cause: {
    code: "run_interrupted",
    message: "The gateway was restarted while the run was under way; spawn it again if its work is still wanted.",
  },
};

export const DELETED: Outcome = {
  status: "interrupted",
  cause: {
    code: "run_interrupted",
    message: "The gateway has neither the run nor its session any more: somebody deleted it there.",
  },
};

export const KILLED: Outcome = {
  status: "killed",
  cause: { code: "run_killed", message: "The run was ended by its requester." },
};

const ENDED_THERE: Cause = {
  code: "run_interrupted",
  message:
    "The run was ended in the gateway before it was done: by its time-out there, by somebody's stop, or with its session.",
};
const SLACK_MS = 100;
