/** What is asked of a gateway about sessions and runs, one function a question. */

import type { z } from "zod";
import { InprocessError } from "../errors.ts";
import { isTooLarge, strange } from "./gateway-causes.ts";
import {
  aborted,
  history,
  sessions,
  steered,
  waited,
  type GatewayError,
  type GatewayMessage,
} from "./gateway-frames.ts";
import type { CallOptions, GatewayLink } from "./gateway-link.ts";

/** A call that was answered: with a value of the right shape, or with a refusal. */
export type Asked<T> = { ok: true; value: T } | { ok: false; error: GatewayError };

/** @throws InprocessError of the connection; `wire_invalid` */
export async function ask<T>(
  link: GatewayLink,
  method: string,
  shape: z.ZodType<T>,
  params: object,
  options?: CallOptions,
): Promise<Asked<T>> {
  const answer = await link.call(method, params, options);
  if (!answer.ok) return answer;
  const parsed = shape.safeParse(answer.payload);
  if (!parsed.success) throw strange(method);
  return { ok: true, value: parsed.data };
}

/** For what a gateway has no reason to refuse. @throws InprocessError also `gateway_refused` */
async function insist<T>(...call: Parameters<typeof ask<T>>): Promise<T> {
  const asked = await ask(...call);
  if (asked.ok) return asked.value;
  throw refusal(call[1], asked.error);
}

/** How a run stands: over, or not yet. Times are milliseconds since the epoch, by the gateway's clock. */
export type RunLook = {
  over: boolean;
  status: "ok" | "error" | "timeout";
  startedAt?: number;
  endedAt?: number;
  error?: string;
};

/** How one ended. */
export type RunEnd = Omit<RunLook, "over">;

/** A session as the gateway lists it. */
export type SessionLook = z.infer<typeof sessions>["sessions"][number];

/** How a run stands after at most `sliceMs`. */
export async function waitForRun(link: GatewayLink, runId: string, sliceMs: number): Promise<RunLook> {
  const params = { runId, timeoutMs: sliceMs };
  const { status, startedAt, endedAt, error } = await insist(link, "agent.wait", waited, params, {
    timeoutMs: sliceMs + WAIT_SLACK_MS,
    // Whoever waits long looks again by itself.
    once: sliceMs > 0,
  });
  return {
    // A slice that ran out says `timeout` too, but knows of no end.
    over: status !== "timeout" || endedAt !== undefined,
    status,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(error === undefined ? {} : { error }),
  };
}

/**
 * Ends what a session is doing. `sessions.abort` reaches runs that began as a chat message; one that `agent` began is
 * reached by the interruption that comes before a steer, here of OpenClaw's command to stop, which begins nothing new.
 * @returns whether the run is over: one that waits in the gateway's lane is reached by nothing until it begins
 */
export async function stopRun(link: GatewayLink, sessionKey: string, runId: string): Promise<boolean> {
  const { status } = await insist(link, "sessions.abort", aborted, { key: sessionKey });
  if (status === "aborted") return true;
  if ((await waitForRun(link, runId, 0)).over) return true;
  const { interruptedActiveRun } = await insist(link, "sessions.steer", steered, { key: sessionKey, message: "/stop" });
  return interruptedActiveRun === true || (await waitForRun(link, runId, STOPPED_MS)).over;
}

/**
 * Ends the turn under way and begins another with the message, under this run id. Asked twice it would end its own turn.
 * @returns whether the old run is over; if not, it comes first, and the message after it
 */
export async function steerRun(
  link: GatewayLink,
  { sessionKey, id }: { sessionKey: string; id: string },
  message: string,
  runId: string,
): Promise<boolean> {
  const params = { key: sessionKey, message, idempotencyKey: runId };
  const { interruptedActiveRun } = await insist(link, "sessions.steer", steered, params, { once: true });
  return interruptedActiveRun === true || (await waitForRun(link, id, STOPPED_MS)).over;
}

/** Takes back a message that a session hasn't begun with. */
export async function dropMessage(link: GatewayLink, sessionKey: string, runId: string): Promise<void> {
  await insist(link, "sessions.abort", aborted, { key: sessionKey, runId });
}

/** The newest messages, oldest first. */
export async function messagesOf(link: GatewayLink, sessionKey: string, limit: number): Promise<GatewayMessage[]> {
  const params = { sessionKey, limit, maxChars: MAX_CHARS };
  const { messages } = await insist(link, "chat.history", history, params);
  // A message too large for a chat window is left out of that answer; here it is somebody's result.
  if (!messages.some((message) => message.__openclaw?.truncated === true)) return messages;
  return (await wholeMessagesOf(link, sessionKey, limit)) ?? messages;
}

/** The same without a limit on a message's length; undefined when the gateway refuses, or all is too large to be taken. */
export async function wholeMessagesOf(
  link: GatewayLink,
  sessionKey: string,
  limit: number,
): Promise<GatewayMessage[] | undefined> {
  try {
    const whole = await ask(link, "sessions.get", history, { key: sessionKey, limit }, { alone: true });
    return whole.ok ? whole.value.messages : undefined;
  } catch (error) {
    if (isTooLarge(error)) return undefined;
    throw error;
  }
}

/** Children of a session as the gateway lists them. */
export async function sessionsOf(link: GatewayLink, requesterSessionKey: string) {
  const params = { spawnedBy: requesterSessionKey, limit: LISTED };
  return (await insist(link, "sessions.list", sessions, params, { timeoutMs: LIST_MS })).sessions;
}

/** One child of a session, as it stands in the gateway's books, which outlive its process; undefined when it has none. */
export async function sessionOf(link: GatewayLink, requesterSessionKey: string, sessionKey: string) {
  // A requester may have had more children than a list gives.
  const params = { spawnedBy: requesterSessionKey, search: sessionKey, limit: LISTED };
  const { sessions: found } = await insist(link, "sessions.list", sessions, params);
  return found.find(({ key }) => key === sessionKey);
}

/** The gateway renames the transcript and forgets the session. */
export async function deleteSession(link: GatewayLink, sessionKey: string): Promise<void> {
  const answer = await link.call("sessions.delete", { key: sessionKey, deleteTranscript: true });
  if (!answer.ok) throw refusal("sessions.delete", answer.error);
}

function refusal(method: string, error: GatewayError): InprocessError {
  return new InprocessError("gateway_refused", `The gateway refuses ${method}: ${error.message}.`);
}

/** A run that was stopped is over a moment after its turn. */
const STOPPED_MS = 500;
/** A gateway that is busy answers late; the slice itself is counted on its side. */
const WAIT_SLACK_MS = 30_000;
/** As many as `chat.history` takes. */
const MAX_CHARS = 500_000;
const LISTED = 200;
const LIST_MS = 2_000;
