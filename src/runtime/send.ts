/** A message from one session to another: to a child of the sender's over its channel, else by way of the host. */

import { randomUUID } from "node:crypto";
import { causeOf, type ErrorCode } from "../errors.ts";
import { isLiving } from "../registry/resolve.ts";
import { clip } from "../sessions/clip.ts";
import type { Requester, SendParams, SendResult, SteerResult } from "../types.ts";
import type { Exchanges } from "./exchanges.ts";
import type { Records } from "./parts.ts";
import { whichOf } from "./targets.ts";

/** A child is told what it is sent as by a steer. */
type Tell = (target: string, message: string, requester: Requester) => SteerResult | Promise<SteerResult>;
type Parts = Pick<Records, "registry" | "host"> & { exchanges: Exchanges };

export async function send(
  parts: Parts,
  tell: Tell,
  params: SendParams,
  requester: Requester,
  signal?: AbortSignal,
): Promise<SendResult> {
  const { registry } = parts;
  if (isChild(parts, requester)) {
    return refuse(
      "forbidden",
      "not_yours",
      "A subagent sends no messages: its answer goes to its requester by itself.",
    );
  }
  const fault = faultOf(params);
  if (fault !== undefined) return refuse("error", "params_invalid", fault);
  const { sessionKey, message } = params;
  if (sessionKey?.trim() === requester.sessionKey) {
    return refuse("forbidden", "not_yours", "A session sends nothing to itself.");
  }
  try {
    if (sessionKey !== undefined) {
      const target = sessionKey.trim();
      const ours = registry.byChildSession(target) !== undefined;
      return ours
        ? toChild(await tell(target, message, requester))
        : await toHost(parts, target, params, requester, signal);
    }
    return await byLabel(parts, tell, params, requester, signal);
  } catch (error) {
    const { code, message: why } = causeOf(error, "delivery_failed");
    return { ...refuse("error", code, why), ...(sessionKey === undefined ? {} : { sessionKey }) };
  }
}

/**
 * A session that is called exactly so is meant before one whose name only begins so, or that has ended: of those, the
 * sender's own children come before the host's sessions.
 */
async function byLabel(
  parts: Parts,
  tell: Tell,
  params: SendParams,
  requester: Requester,
  signal?: AbortSignal,
): Promise<SendResult> {
  const { registry, host } = parts;
  const { agentId } = params;
  const label = params.label!.trim();
  const resolved = registry.resolve(requester.sessionKey, label);
  const named = "found" in resolved ? [resolved.found] : "candidates" in resolved ? resolved.candidates : [];
  const children = named.filter((run) => agentId === undefined || run.agentId === agentId);
  const exact = "whole" in resolved && resolved.whole && children.some(isLiving);
  const listed = exact ? undefined : await host.listSessions?.(agentId === undefined ? {} : { agentId });
  // A host may list children too: what has ended here isn't reached over the host.
  const isOther = (key: string): boolean => key !== requester.sessionKey && registry.byChildSession(key) === undefined;
  const other = listed?.find((session) => session.label === label && isOther(session.sessionKey));
  if (other !== undefined) return toHost(parts, other.sessionKey, params, requester, signal);
  const [child] = children;
  if (child === undefined) {
    return refuse("error", "not_found", `No session that can be reached from here has the label ${clip(label, 100)}.`);
  }
  if (children.length > 1) return refuse("error", "ambiguous", whichOf(label, children));
  return toChild(await tell(child.runId, params.message, requester));
}

/** Whether a session is a child's, whatever it says of itself. */
export function isChild({ registry }: Pick<Parts, "registry">, requester: Requester): boolean {
  return (requester.depth ?? 0) > 0 || registry.byChildSession(requester.sessionKey) !== undefined;
}

/** A child's answer to it comes with its result, so none is waited for. */
function toChild(steered: SteerResult): SendResult {
  if (steered.status === "accepted") {
    const { runId, sessionKey } = steered;
    return { status: "accepted", runId, sessionKey, delivery: { status: "pending", mode: "inject" } };
  }
  if (steered.status === "done") {
    const why = `${steered.label} has ended and isn't one that stays (mode \`session\`, until it is killed), so it can't be talked to any more; start another with sessions_spawn and give it what it needs to know.`;
    return { ...refuse("error", "capability_missing", why), sessionKey: steered.sessionKey };
  }
  if (steered.status === "rate_limited") {
    return { ...refuse("error", "rate_limited", steered.error), sessionKey: steered.sessionKey };
  }
  return refuse(steered.status, steered.code, steered.error);
}

async function toHost(
  { host, exchanges }: Parts,
  sessionKey: string,
  { message, timeoutSeconds = 30 }: SendParams,
  requester: Requester,
  signal?: AbortSignal,
): Promise<SendResult> {
  if (host.sendTo === undefined) {
    const why = `${clip(sessionKey, 100)} is no subagent of this session, and this host passes nothing on to other sessions.`;
    return refuse("error", "capability_missing", why);
  }
  const timeoutMs = timeoutSeconds * 1000;
  const from = requester.sessionKey;
  const options = { from, timeoutMs, ...(signal === undefined ? {} : { signal }) };
  const { reply, runId = randomUUID() } = (await host.sendTo(sessionKey, message, options)) ?? {};
  const sent = { runId, sessionKey };
  if (reply !== undefined) {
    exchanges.begin({ from, to: sessionKey, message, reply, timeoutMs });
    return { status: "ok", ...sent, delivery: { status: "delivered", mode: "host" }, reply };
  }
  return { status: timeoutMs > 0 ? "timeout" : "accepted", ...sent, delivery: { status: "pending", mode: "host" } };
}

function faultOf({ sessionKey, label, message, timeoutSeconds = 30 }: SendParams): string | undefined {
  if (typeof message !== "string" || message.trim() === "") return "A message needs a text.";
  if ((sessionKey === undefined) === (label === undefined)) return "Give either sessionKey or label.";
  if ((sessionKey ?? label)!.trim() === "") return "The session's key or label is empty.";
  if (timeoutSeconds >= 0 && timeoutSeconds <= MAX_WAIT_SECONDS) return undefined;
  return `timeoutSeconds must be from 0 to ${MAX_WAIT_SECONDS}.`;
}

function refuse(status: "error" | "forbidden", code: ErrorCode, error: string) {
  return { status, code, error } as const;
}

const MAX_WAIT_SECONDS = 3600;
