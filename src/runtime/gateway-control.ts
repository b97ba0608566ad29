/** Ending and redirecting children that work in a gateway. */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { causeOf, InprocessError, messageOf, type Cause } from "../errors.ts";
import type { NewRun, RunRow } from "../registry/run-row.ts";
import { labelOf } from "../sessions/shown-label.ts";
import type { Controlled, KillResult, Outcome, Requester, SteerOptions, SteerResult } from "../types.ts";
import { dropMessage, messagesOf, sessionOf, steerRun, waitForRun } from "./gateway-calls.ts";
import { KILLED } from "./gateway-ending.ts";
import type { Ended, Following } from "./gateway-follow.ts";
import { isConnectFailure } from "./gateway-causes.ts";
import { saidTo } from "./gateway-result.ts";
import { endWish, GatewayRun, type GatewayParts } from "./gateway-run.ts";
import type { Settler } from "./settler.ts";
import { identity } from "./tracked-run.ts";
import { messageFault, SteerPace } from "./steer-rules.ts";
import { controlled, endedText, isElsewhere, refuse, targetsOf } from "./targets.ts";

export class GatewayControl {
  readonly #parts: GatewayParts;
  readonly #settler: Settler<GatewayRun>;
  readonly #following: Following;
  readonly #pace = new SteerPace();
  /** What each requester asked for last, until it is answered. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(parts: GatewayParts, settler: Settler<GatewayRun>, following: Following) {
    this.#parts = parts;
    this.#settler = settler;
    this.#following = following;
  }

  /**
   * Settled once the gateway has been told: one that can't be told goes on working, and isn't called killed. Neither is
   * one that waits in the gateway's lane, which nothing reaches there: it is ended as soon as it begins.
   */
  kill(target: string, requester: Requester): Promise<KillResult> {
    return this.#inTurn(requester, () => this.#kill(target, requester));
  }

  /** A gateway takes nothing into a turn under way: it ends the turn and begins another, which must be asked for. */
  steer(target: string, message: string, requester: Requester, options: SteerOptions = {}): Promise<SteerResult> {
    return this.#inTurn(requester, () => this.#steer(target, message, requester, options));
  }

  /** One after the other: a child that is being redirected may be another run in a moment, which is then meant. */
  async #inTurn<T>({ sessionKey }: Requester, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(sessionKey) ?? Promise.resolve()).then(act);
    const over = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(sessionKey, over);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(sessionKey) === over) this.#turns.delete(sessionKey);
    }
  }

  async #kill(target: string, requester: Requester): Promise<KillResult> {
    const found = targetsOf(this.#parts, target, requester);
    if ("refusal" in found) return found.refusal;
    const [first] = found.runs;
    const all = target.trim() === "all" || target.trim() === "*";
    if (first === undefined) return { status: "done", ...NOBODY, killed: 0, labels: [], text: NOBODY_RUNS };
    // Its own, so that it can be told which of several endings came first.
    const outcome: Outcome = { ...KILLED };
    const runs = found.runs.flatMap((row) => this.#parts.live.get(row.runId) ?? []);
    const ended = await Promise.allSettled(runs.map((run) => this.#following.end(run, outcome)));
    const killed = runs.filter((_, index) => hasEnded(ended[index]!, "first"));
    const waiting = runs.filter((_, index) => hasEnded(ended[index]!, "waits"));
    for (const run of waiting) this.#keepWish(run);
    const failed = ended.find((end) => end.status === "rejected");
    if (failed !== undefined && killed.length + waiting.length === 0) {
      const { code, message } = causeOf(failed.reason);
      return refuse("error", code, `The subagent goes on, for the gateway couldn't be told to end it: ${message}`)
        .refusal;
    }
    const labels = killed.map((run) => labelOf(run.facts.row));
    const one = {
      ...controlled(first),
      cascadeKilled: 0,
      cascadeLabels: [],
      ...(all ? { killed: killed.length, labels } : {}),
    };
    if (killed.length + waiting.length > 0) {
      const said = [
        ...(killed.length === 0 ? [] : [endedText(killed.length)]),
        ...(waiting.length === 0 ? [] : [endsLater(waiting)]),
        ...(failed === undefined ? [] : ["Others go on: the gateway couldn't be told to end them."]),
      ];
      return { status: "ok", ...one, text: said.join(" ") };
    }
    if (runs.length === 0 && found.runs.some((row) => isElsewhere(this.#parts, row))) return elsewhere(first);
    return { status: "done", ...one, text: all ? NOBODY_RUNS : `${labelOf(first)} had ended already.` };
  }

  /** The next process is to know of it too; results of the same turn needn't wait for it. */
  #keepWish({ id }: GatewayRun): void {
    const { registry, gateway, logger } = this.#parts;
    try {
      registry.intents.write(endWish(id), { askedAt: Date.now(), gateway });
      registry.expectNothing(id);
    } catch (error) {
      logger.error({ runId: id }, `that a run is to be ended can't be written down: ${messageOf(error)}`);
    }
  }

  async #steer(target: string, message: string, requester: Requester, options: SteerOptions): Promise<SteerResult> {
    const wrong = messageFault(target, message);
    if (wrong !== undefined) return refuse("error", "params_invalid", wrong).refusal;
    const found = targetsOf(this.#parts, target, requester);
    if ("refusal" in found) return found.refusal;
    const row = found.runs[0]!;
    const child = controlled(row);
    if (isElsewhere(this.#parts, row)) return elsewhere(row);
    const run = this.#parts.live.get(row.runId);
    if (run === undefined || run.outcome.settled !== undefined || run.ending !== undefined) {
      return { status: "done", ...child, text: `${child.label} has ended; nothing was sent to it.` };
    }
    if (options.interrupt !== true) return refuse("error", "capability_missing", NO_INJECT).refusal;
    const waitMs = this.#pace.tooSoon(requester.sessionKey, child.sessionKey);
    if (waitMs > 0) {
      const error = `${child.label} was told something less than 2 s ago; wait ${(waitMs / 1000).toFixed(1)} s, or put it all in one message.`;
      return { status: "rate_limited", ...child, code: "rate_limited", error, text: error };
    }
    return this.#restart(run, child, message.trim());
  }

  /**
   * Another run in the same session, under the run id that the gateway is asked with. It is written down first: a process
   * that dies meanwhile leaves both runs, and its successor follows what became of the session.
   */
  async #restart(old: GatewayRun, child: Controlled, message: string): Promise<SteerResult> {
    const { registry, live } = this.#parts;
    const { idempotencyKey: _once, answer: _given, ...facts } = old.facts.row;
    const row: NewRun = { ...facts, runId: randomUUID(), createdAt: Date.now() };
    const superseded: Outcome = { status: "killed", cause: supersededBy(row.runId) };
    try {
      if (!(await this.#hasBegun(old))) return refuse("error", "gateway_refused", notBegun(child.label)).refusal;
      registry.restart(row, old.id);
      // Whoever sees the old run end waits for this; nobody is told of it, for its child goes on.
      await (old.control = this.#redirect(old, message, row).catch((error: unknown) => this.#undo(old, row, error)));
    } catch (error) {
      const { code, message: why } = causeOf(error);
      return refuse("error", code, why).refusal;
    }
    const run = new GatewayRun(row, old.timeoutMs);
    live.add(run);
    void this.#settler.settle(old, superseded);
    this.#tell(run);
    this.#following.follow(run);
    // The session is free and the gateway was told of no limit.
    this.#following.limit(run);
    const text = `${child.label} was interrupted and goes on with it as run ${row.runId}.`;
    return { status: "accepted", ...child, runId: row.runId, mode: "restart", text };
  }

  /** Nothing reaches a run in the gateway's lane. That it has begun comes before the answer to whatever is asked after it. */
  async #hasBegun(run: GatewayRun): Promise<boolean> {
    if (!isQueued(run)) return true;
    const session = await sessionOf(this.#parts.link, run.facts.row.requesterSessionKey, run.sessionKey);
    return !isQueued(run) || session?.status === "running";
  }

  /** Whether one took effect whose answer didn't come can be seen in the session: its run must not go on unheard. */
  async #redirect(old: GatewayRun, message: string, { runId }: NewRun): Promise<void> {
    const { link } = this.#parts;
    try {
      if (await steerRun(link, old, message, runId)) return;
      // Both would be done, one after the other.
      await dropMessage(link, old.sessionKey, runId);
      throw new InprocessError("gateway_refused", notBegun(labelOf(old.facts.row)));
    } catch (error) {
      const isDoubtful = UNKNOWN.has(causeOf(error).code) && !isConnectFailure(error);
      if (!isDoubtful || !(await this.#tookEffect(old, message))) throw error;
    }
  }

  /** The old run goes on as if nothing had been asked. */
  #undo(old: GatewayRun, row: NewRun, error: unknown): never {
    try {
      this.#parts.registry.takeBack(row, old.id);
    } catch (failure) {
      this.#parts.logger.error({ runId: row.runId }, `a run that isn't can't be taken back: ${messageOf(failure)}`);
    }
    throw error;
  }

  /** It ended the turn under way first, and then stands as the newest message to the child. */
  async #tookEffect(old: GatewayRun, message: string): Promise<boolean> {
    const { link } = this.#parts;
    for (
      const until = Date.now() + LOOK_MS;
      Date.now() < until;
      await delay(LOOK_EVERY_MS, undefined, { ref: false })
    ) {
      try {
        const { over } = await waitForRun(link, old.id, 0);
        if (over && saidTo(await messagesOf(link, old.sessionKey, MESSAGES))?.includes(message) === true) return true;
      } catch (error) {
        if (causeOf(error).code === "runtime_closed") return false;
      }
    }
    return false;
  }

  #tell(run: GatewayRun): void {
    const { task, agentId, depth, label, rootSessionKey } = run.facts.row;
    const named = label === undefined ? {} : { label };
    const event = { ...identity(run), type: "accepted" as const, task, agentId, depth, queuePosition: 0, ...named };
    this.#parts.hub.publish(event, rootSessionKey);
  }
}

function isQueued({ state }: GatewayRun): boolean {
  return state === "queued";
}

function hasEnded(result: PromiseSettledResult<Ended>, how: Ended): boolean {
  return result.status === "fulfilled" && result.value === how;
}

function endsLater(waiting: readonly GatewayRun[]): string {
  const names = waiting.map(({ facts }) => labelOf(facts.row)).join(", ");
  const [wait, are] = waiting.length === 1 ? ["waits", "is"] : ["wait", "are"];
  return `${names} ${wait} in the gateway's queue, from which nothing can be taken, and ${are} ended there on beginning; no result comes.`;
}

function notBegun(label: string): string {
  return `${label} waits in the gateway's queue and can't be told anything until it has begun; tell it then, or end it and start another.`;
}

function elsewhere(row: RunRow) {
  const text = `${labelOf(row)} is looked after by another process that shares this state directory; control it from there.`;
  return refuse("error", "not_yours", text).refusal;
}

function supersededBy(runId: string): Cause {
  return { code: "run_killed", message: `The run was interrupted by its requester and goes on as run ${runId}.` };
}

const UNKNOWN: ReadonlySet<Cause["code"]> = new Set<Cause["code"]>(["gateway_lost", "gateway_timeout", "wire_invalid"]);
const LOOK_MS = 15_000;
const LOOK_EVERY_MS = 250;
/** The newest that the child was told is among so many. */
const MESSAGES = 50;
const NOBODY = { runId: "", sessionKey: "", label: "", cascadeKilled: 0, cascadeLabels: [] };
const NOBODY_RUNS = "No subagent is running.";
const NO_INJECT =
  "A subagent in the gateway can't be told anything without interrupting it (`inject` needs the in-process runtime); say interrupt: true to end its turn and begin another with the message.";
