/**
 * Completions into a requester's session, as a turn of the gateway's own that is dispatched inside the process: no
 * socket, no pairing. A delivery counts when its key stands in the requester's transcript, or when the turn it started
 * is over; what the gateway only accepted could still be lost with its process.
 */

import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { announcement } from "../../announce/completion-text.ts";
import { messageOf } from "../../errors.ts";
import type { Host } from "../../host.ts";
import type { Logger } from "../../log.ts";
import type { Completion } from "../../types.ts";
import type { HostRuntime } from "./api.ts";
import type { BusySessions } from "./busy-sessions.ts";
import type { RequesterSessions } from "./requester-session.ts";
import type { TranscriptSearch } from "./requester-transcript.ts";

export type DeliveryOptions = {
  runtime: HostRuntime;
  busy: BusySessions;
  search: TranscriptSearch;
  sessions: RequesterSessions;
  logger: Logger;
  /** How many children a session is still waiting for. */
  stillRunning(sessionKey: string): Promise<number>;
  /** Milliseconds. */
  timeoutMs: number;
};

export function deliverByTurn(options: DeliveryOptions): Host["deliver"] {
  const { busy } = options;
  /** Accepted by the gateway and not seen in the transcript yet: waited for again, never started again. */
  const accepted = new Map<string, string>();
  /** Tries in a row that started no turn, by session. */
  const failures = new Map<string, number>();
  return async (completions) => {
    const sessionKey = completions[0]!.requesterSessionKey;
    const fresh = completions.filter(({ key }) => !accepted.has(key));
    if (fresh.length > 0) {
      if (busy.has(sessionKey)) return "busy";
      const failedBefore = failures.get(sessionKey) ?? 0;
      failures.set(sessionKey, failedBefore + 1);
      const message = announcement(fresh, await options.stillRunning(sessionKey));
      const runId = await startTurn(options, sessionKey, message, batchKey(fresh), failedBefore);
      failures.delete(sessionKey);
      if (runId !== undefined) for (const { key } of fresh) accepted.set(key, runId);
    }
    for (const { key } of completions) {
      const runId = accepted.get(key);
      const isThere = runId === undefined || (await arrived(options, sessionKey, key, runId));
      accepted.delete(key);
      if (!isThere) throw new Error(`the turn for it failed before the result was in ${sessionKey}`);
    }
    return "delivered";
  };
}

/** @returns undefined when the message went the way of system events, which start no turn that could be waited for */
async function startTurn(
  options: DeliveryOptions,
  sessionKey: string,
  message: string,
  idempotencyKey: string,
  failedBefore: number,
): Promise<string | undefined> {
  const { runtime, sessions, logger } = options;
  const turn = { sessionKey, message, idempotencyKey };
  if ((await sessions(sessionKey))?.hasChannel === true) {
    try {
      return (await runtime.subagent.run({ ...turn, deliver: true })).runId;
    } catch (error) {
      logger.warn({ sessionKey }, `a delivery to the session's channel was refused: ${messageOf(error)}`);
    }
  }
  try {
    // Without a channel the session's next reader sees it.
    return (await runtime.subagent.run({ ...turn, deliver: false })).runId;
  } catch (error) {
    // A gateway that is stopping or overloaded takes it later.
    if (failedBefore < TURNS_TRIED - 1) throw error;
    logger.warn({ sessionKey }, `no turn could be started, a system event is queued instead: ${messageOf(error)}`);
  }
  queueEvent(runtime, sessionKey, message);
  return undefined;
}

function queueEvent({ system }: HostRuntime, sessionKey: string, message: string): void {
  system.enqueueSystemEvent(message, { sessionKey });
  if (system.requestHeartbeat) system.requestHeartbeat({ source: "other", intent: "event", reason: "subagent result" });
  else system.requestHeartbeatNow?.({ reason: "subagent result", sessionKey });
}

/** @returns false when the turn failed before it had taken the result up */
async function arrived(
  { runtime, search, timeoutMs }: DeliveryOptions,
  sessionKey: string,
  key: string,
  runId: string,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  let status = "timeout";
  let turn: Promise<void> | undefined = runtime.subagent.waitForRun({ runId, timeoutMs }).then(
    (result) => {
      ({ status } = result);
      turn = undefined;
    },
    // Only the transcript is left to look at. A promise that is settled would turn the loop below without a pause.
    () => void (turn = undefined),
  );
  for (let pause = FIRST_LOOK_MS; Date.now() < deadline; pause = Math.min(pause * 2, LAST_LOOK_MS)) {
    const pausing = delay(pause, undefined, { ref: false });
    await (turn === undefined ? pausing : Promise.race([turn, pausing]));
    if (status === "ok") return true;
    const failed = status !== "timeout";
    const found = await search(sessionKey, [key]).catch(() => []);
    if (found.length > 0) return true;
    if (failed) return false;
  }
  throw new Error(`the gateway took the result up but it isn't in ${sessionKey} after ${timeoutMs} ms`);
}

function batchKey(completions: readonly Completion[]): string {
  const keys = completions.map(({ key }) => key).join("\n");
  return `openclaw-inprocess:${createHash("sha256").update(keys).digest("hex").slice(0, 32)}`;
}

const TURNS_TRIED = 3;
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 2000;
