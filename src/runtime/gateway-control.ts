/** Ending and redirecting children that work in a gateway. */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { causeOf, type Cause } from "../errors.ts";
import type { NewRun, RunRow } from "../registry/run-row.ts";
import type { Controlled, KillResult, Outcome, Requester, SteerOptions, SteerResult } from "../types.ts";
import { messagesOf, steerRun, waitForRun } from "./gateway-calls.ts";
import type { Following } from "./gateway-follow.ts";
import { isConnectFailure } from "./gateway-causes.ts";
import { saidTo } from "./gateway-result.ts";
import { GatewayRun, type GatewayParts } from "./gateway-run.ts";
import { identity, type Settler } from "./settler.ts";
import { messageFault, SteerPace } from "./steer-rules.ts";
import { controlled, isElsewhere, labelOf, refuse, targetsOf } from "./targets.ts";

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

  /** Settled once the gateway has been told: one that can't be told goes on working, and isn't called killed. */
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
    const outcome: Outcome = { status: "killed", cause: KILLED };
    const runs = found.runs.flatMap((row) => this.#parts.live.get(row.runId) ?? []);
    const ended = await Promise.allSettled(runs.map((run) => this.#following.end(run, outcome)));
    const killed = runs.filter((_, index) => isTrue(ended[index]!));
    const failed = ended.find((end) => end.status === "rejected");
    if (failed !== undefined && killed.length === 0) {
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
    if (killed.length > 0) {
      const rest = failed === undefined ? "" : " Others go on: the gateway couldn't be told to end them.";
      return { status: "ok", ...one, text: `Ended ${killed.length} subagent${killed.length === 1 ? "" : "s"}.${rest}` };
    }
    if (runs.length === 0 && found.runs.some((row) => isElsewhere(this.#parts, row))) return elsewhere(first);
    return { status: "done", ...one, text: all ? NOBODY_RUNS : `${labelOf(first)} had ended already.` };
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

  /** Another run in the same session, under the run id that the gateway was asked with. */
  async #restart(old: GatewayRun, child: Controlled, message: string): Promise<SteerResult> {
    const { registry, live } = this.#parts;
    const { idempotencyKey: _once, answer: _given, ...facts } = old.facts.row;
    const row: NewRun = { ...facts, runId: randomUUID(), createdAt: Date.now() };
    const superseded: Outcome = { status: "killed", cause: supersededBy(row.runId) };
    // Whoever sees the old run end waits for this; nobody is told of it, for its child goes on.
    try {
      await (old.control = this.#redirect(old, message, row.runId));
      registry.restart(row, old.id);
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

  /** Whether one took effect whose answer didn't come can be seen in the session: its run must not go on unheard. */
  async #redirect(old: GatewayRun, message: string, runId: string): Promise<void> {
    try {
      await steerRun(this.#parts.link, old.sessionKey, message, runId);
    } catch (error) {
      const isDoubtful = UNKNOWN.has(causeOf(error).code) && !isConnectFailure(error);
      if (!isDoubtful || !(await this.#tookEffect(old, message))) throw error;
    }
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

function isTrue(result: PromiseSettledResult<boolean>): boolean {
  return result.status === "fulfilled" && result.value;
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
const KILLED: Cause = { code: "run_killed", message: "The run was ended by its requester." };
const NOBODY = { runId: "", sessionKey: "", label: "", cascadeKilled: 0, cascadeLabels: [] };
const NOBODY_RUNS = "No subagent is running.";
const NO_INJECT =
  "A subagent in the gateway can't be told anything without interrupting it (`inject` needs the in-process runtime); say interrupt: true to end its turn and begin another with the message.";
