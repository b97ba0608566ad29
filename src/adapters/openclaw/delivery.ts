/**
 * Completions into a requester's session, as a turn of the gateway's own that is dispatched inside the process: no
 * socket, no pairing. A delivery counts when its key stands answered in the requester's transcript, or when the turn it
 * started is over and went well; what the gateway only accepted could still be lost with its process.
 */

import { createHash } from "node:crypto";
import { announcement } from "../../announce/completion-text.ts";
import { messageOf } from "../../errors.ts";
import type { Host } from "../../host.ts";
import type { Logger } from "../../log.ts";
import type { Completion } from "../../types.ts";
import type { HostRuntime } from "./api.ts";
import type { BusySessions } from "./busy-sessions.ts";
import type { ChannelSends } from "./channel-sends.ts";
import type { RequesterSessions } from "./requester-session.ts";
import { failureOf, type ArrivalOptions } from "./turn-arrival.ts";

export type DeliveryOptions = ArrivalOptions & {
  runtime: Pick<HostRuntime, "subagent" | "system">;
  busy: Pick<BusySessions, "has">;
  sends: ChannelSends;
  sessions: RequesterSessions;
  logger: Logger;
  /** How many more results a session will be brought, beside those of these runs. */
  stillToCome(sessionKey: string, told: readonly string[]): Promise<number>;
};

export function deliverByTurn(options: DeliveryOptions): Host["deliver"] {
  const { busy } = options;
  const under = new Map<string, Progress>();
  /** Tries in a row that started no turn, by session. */
  const refusals = new Map<string, number>();
  return async (completions) => {
    const sessionKey = completions[0]!.requesterSessionKey;
    forgetGivenUp(under);
    const fresh = completions.filter(({ key }) => isToBeTold(under.get(key)));
    if (fresh.length > 0) {
      if (busy.has(sessionKey)) return "busy";
      const refused = refusals.get(sessionKey) ?? 0;
      refusals.set(sessionKey, refused + 1);
      const left = await options.stillToCome(
        sessionKey,
        fresh.map(({ runId }) => runId),
      );
      for (const part of bySecrecy(fresh)) {
        const message = announcement(part, left);
        const mine = part.map(({ key }) => progressOf(under, key));
        const turn = { sessionKey, message, secret: isPrivate(part[0]!) };
        const runId = await startTurn(options, turn, mine, refused);
        for (const progress of mine) {
          if (runId === undefined) progress.eventUntil = Date.now() + EVENT_PATIENCE_MS;
          else progress.runId = runId;
        }
      }
      refusals.delete(sessionKey);
    }
    const all = completions.map(({ key }) => progressOf(under, key));
    for (const progress of all) progress.askedAt = Date.now();
    for (const runId of new Set(all.flatMap((progress) => progress.runId ?? []))) {
      await settleTurn(
        options,
        sessionKey,
        all.filter((progress) => progress.runId === runId),
        runId,
      );
    }
    if (all.some(({ there }) => !there)) throw new Error(`the result waits in ${sessionKey} as a system event`);
    for (const { key } of completions) under.delete(key);
    return "delivered";
  };
}

/** The answer to a private result goes to no channel, so it has a turn of its own. */
function bySecrecy(completions: Completion[]): Completion[][] {
  const parts = [completions.filter((one) => !isPrivate(one)), completions.filter(isPrivate)];
  return parts.filter((part) => part.length > 0);
}

function isPrivate({ completionTarget }: Completion): boolean {
  return completionTarget === "parent";
}

/** What became of a completion so far. */
type Progress = {
  key: string;
  /** A turn that has it and may still be under way: waited for, never started again. */
  runId?: string | undefined;
  /** How many turns with it are known to have failed. */
  failed: number;
  /** Queued as a system event, which is given so long to be read: milliseconds since the epoch. */
  eventUntil: number;
  /** When a try with it was last made: milliseconds since the epoch. */
  askedAt: number;
  there: boolean;
};

/** Nothing says that a completion was given up; one that wasn't is asked for every minute or two. */
function forgetGivenUp(under: Map<string, Progress>): void {
  const before = Date.now() - FORGET_MS;
  for (const [key, { askedAt }] of under) if (askedAt < before) under.delete(key);
}

function isToBeTold(progress: Progress | undefined): boolean {
  return (
    progress === undefined || (!progress.there && progress.runId === undefined && progress.eventUntil <= Date.now())
  );
}

function progressOf(under: Map<string, Progress>, key: string): Progress {
  const progress = under.get(key) ?? { key, failed: 0, eventUntil: 0, askedAt: Date.now(), there: false };
  under.set(key, progress);
  return progress;
}

/** @returns undefined when the message went the way of system events, which start no turn that could be waited for */
async function startTurn(
  { runtime, sessions, sends, logger }: DeliveryOptions,
  { sessionKey, message, secret }: { sessionKey: string; message: string; secret: boolean },
  all: Progress[],
  refused: number,
): Promise<string | undefined> {
  const turn = { sessionKey, message, idempotencyKey: batchKey(all) };
  const route = secret ? undefined : (await sessions(sessionKey))?.route;
  if (route !== undefined) {
    const noLonger = sends.expect(sessionKey, route);
    try {
      const { runId } = await runtime.subagent.run({ ...turn, deliver: true });
      void afterTurn(runtime, runId).then(() => setTimeout(noLonger, SEND_PATIENCE_MS).unref());
      return runId;
    } catch (error) {
      noLonger();
      logger.warn({ sessionKey }, `a delivery to the session's channel was refused: ${messageOf(error)}`);
    }
  }
  try {
    // Without a channel the session's next reader sees it.
    return (await runtime.subagent.run({ ...turn, deliver: false })).runId;
  } catch (error) {
    await forgetFailed(runtime, turn.idempotencyKey, all);
    // A gateway that is stopping or overloaded takes it later. What a heartbeat answers may go to a channel.
    if (secret || refused < TURNS_TRIED - 1) throw error;
    logger.warn({ sessionKey }, `no turn could be started, a system event is queued instead: ${messageOf(error)}`);
  }
  queueEvent(runtime, sessionKey, message);
  return undefined;
}

/** Resolves when the turn is over, or has taken an hour: it may go on for long after its model has read the result. */
async function afterTurn({ subagent }: Pick<HostRuntime, "subagent">, runId: string): Promise<void> {
  await subagent.waitForRun({ runId, timeoutMs: TURN_PATIENCE_MS }).catch(() => undefined);
}

/** The gateway may hold an earlier turn's failure against its key, from before this plugin was started anew. */
async function forgetFailed(
  { subagent }: Pick<HostRuntime, "subagent">,
  idempotencyKey: string,
  all: Progress[],
): Promise<void> {
  const earlier = await subagent.waitForRun({ runId: idempotencyKey, timeoutMs: 0 }).catch(() => undefined);
  if (earlier?.status === "error") for (const progress of all) progress.failed += 1;
}

function queueEvent({ system }: Pick<HostRuntime, "system">, sessionKey: string, message: string): void {
  system.enqueueSystemEvent(message, { sessionKey });
  if (system.requestHeartbeat) system.requestHeartbeat({ source: "other", intent: "event", reason: "subagent result" });
  else system.requestHeartbeatNow?.({ reason: "subagent result", sessionKey });
}

/** Waits for a turn, and notes of all that it had whether they are there. */
async function settleTurn(options: DeliveryOptions, sessionKey: string, all: Progress[], runId: string): Promise<void> {
  const failure = await failureOf(
    options,
    sessionKey,
    all.map(({ key }) => key),
    runId,
  );
  for (const progress of all) {
    // A try that the announcer has given up waiting for may have come first.
    if (progress.runId !== runId) continue;
    progress.runId = undefined;
    if (failure === undefined) progress.there = true;
    else progress.failed += 1;
  }
  if (failure !== undefined) throw new Error(`the turn with the result failed in ${sessionKey}: ${failure}`);
}

/** Another one once a turn has failed: the gateway answers a key it knows with what became of it, for five minutes. */
function batchKey(all: readonly Progress[]): string {
  const keys = all.map(({ key, failed }) => `${key} ${failed}`).join("\n");
  return `openclaw-inprocess:${createHash("sha256").update(keys).digest("hex").slice(0, 32)}`;
}

const TURNS_TRIED = 3;
/** A try may wait for its turn for minutes. */
const FORGET_MS = 3_600_000;
const TURN_PATIENCE_MS = 3_600_000;
/** A turn counts as over when its model has answered: only then is the answer sent, perhaps in several tries. */
const SEND_PATIENCE_MS = 60_000;
/** The heartbeat asked for with it comes within seconds; a turn besides would tell it twice. */
const EVENT_PATIENCE_MS = 120_000;
