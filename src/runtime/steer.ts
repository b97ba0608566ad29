/**
 * Telling a child something, while it works or in a session that stays. The text waits in the run until its thread says that the model has it, so
 * it is lost neither with a turn that ends first (another opens with it) nor with a thread (it is sent again).
 */

import { randomUUID } from "node:crypto";
import { causeOf, type Cause } from "../errors.ts";
import type { NewRun } from "../registry/run-row.ts";
import type { Controlled, Requester, SteerOptions, SteerResult } from "../types.ts";
import { tellAccepted } from "./accepted.ts";
import type { Execution } from "./execution.ts";
import { ended, type FollowUps } from "./follow-ups.ts";
import { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { RunCarrier } from "./run-carrier.ts";
import type { Settler } from "./settler.ts";
import { messageFault, SteerPace } from "./steer-rules.ts";
import { controlled, isElsewhere, refuse, targetsOf } from "./targets.ts";

export class Steering {
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #carrier: RunCarrier;
  readonly #followUps: FollowUps;
  readonly #pace = new SteerPace();

  constructor(parts: Parts, settler: Settler, carrier: RunCarrier, followUps: FollowUps) {
    this.#parts = parts;
    this.#settler = settler;
    this.#carrier = carrier;
    this.#followUps = followUps;
  }

  /** No await before a run is told: between the look at it and the message nothing else happens. */
  steer(target: string, message: string, requester: Requester, options: SteerOptions = {}): Answer {
    return this.#say(target, message, requester, { ...options, paced: true });
  }

  /** The same for what is sent from session to session: with one that stays it is a talk, and no pace is kept. */
  send(target: string, message: string, requester: Requester): Answer {
    return this.#say(target, message, requester, { paced: false });
  }

  #say(target: string, message: string, requester: Requester, how: SteerOptions & { paced: boolean }): Answer {
    const wrong = messageFault(target, message);
    if (wrong !== undefined) return refuse("error", "params_invalid", wrong).refusal;
    const found = targetsOf(this.#parts, target, requester);
    if ("refusal" in found) return found.refusal;
    const row = found.runs[0]!;
    const child = controlled(row);
    const run = this.#parts.live.get(row.runId);
    if (isElsewhere(this.#parts, row)) {
      return refuse("error", "not_yours", `${child.label} is at work in another process; steer it from there.`).refusal;
    }
    const isOver = run === undefined || run.outcome.settled !== undefined;
    if (isOver && row.kept === undefined) return ended(child);
    if (row.collect) {
      const why = `${child.label} is collected: nothing reaches it while it works; wait for its result with agents_wait, or end it.`;
      return refuse("forbidden", "not_yours", why).refusal;
    }
    const isPaced = how.paced || row.kept === undefined;
    const waitMs = isPaced ? this.#pace.tooSoon(requester.sessionKey, child.sessionKey) : 0;
    if (waitMs > 0) {
      const error = `${child.label} was told something less than 2 s ago; wait ${(waitMs / 1000).toFixed(1)} s, or put it all in one message.`;
      return { status: "rate_limited", ...child, code: "rate_limited", error, text: error };
    }
    const prompt = `${HEADING}\n${message.trim()}`;
    if (!isOver) return this.#tell(run, child, prompt, how.interrupt === true);
    const ahead = this.#followUps.beginning(child.sessionKey);
    if (ahead !== undefined) return ahead.then(() => this.#say(child.sessionKey, message, requester, AGAIN));
    return this.#followUps.begin({
      before: { ...row, kept: row.kept! },
      child,
      message: message.trim(),
      prompt,
      requester,
    });
  }

  #tell(run: LiveRun, child: Controlled, text: string, interrupt: boolean): SteerResult {
    if (interrupt && run.execution !== undefined) return this.#restart(run, run.execution, child, text);
    const queued = run.state === "queued";
    if (run.state === "waiting") {
      // Its children may take long: it hears of this now, in a turn of its own, and goes on waiting afterwards.
      run.state = "queued";
      this.#carrier.enqueue(run, { prompt: text, resume: "next_turn" });
    } else {
      run.steer(text);
    }
    const when = queued ? "reads it with its task" : "reads it at its next step";
    return { status: "accepted", ...child, mode: "inject", text: `${child.label} ${when}.` };
  }

  /** Another run in the same session; children stay with the session. It begins when the old turn has let go of the transcript. */
  #restart(old: LiveRun, turn: Execution, child: Controlled, text: string): SteerResult {
    const { registry, live } = this.#parts;
    const { idempotencyKey: _once, answer: _given, ...facts } = old.facts.row;
    const row: NewRun = { ...facts, runId: randomUUID(), createdAt: Date.now() };
    try {
      registry.restart(row, old.id);
    } catch (error) {
      const { code, message } = causeOf(error);
      return refuse("error", code, message).refusal;
    }
    const run = new LiveRun({ ...old.facts, row });
    live.add(run);
    const superseded: Cause = {
      code: "run_killed",
      message: `The run was interrupted by its requester and goes on as run ${row.runId}.`,
    };
    turn.abort(superseded);
    void this.#settler.settle(old, { status: "killed", cause: superseded });
    tellAccepted(this.#parts, run);
    void this.#begin(run, old, turn, text);
    return {
      status: "accepted",
      ...child,
      runId: row.runId,
      mode: "restart",
      text: `${child.label} was interrupted and goes on with it as run ${row.runId}.`,
    };
  }

  async #begin(run: LiveRun, old: LiveRun, turn: Execution, text: string): Promise<void> {
    await turn.released;
    if (run.outcome.settled !== undefined) return;
    // A turn that no thread took up has written nothing: its prompt is handed on, with the results it brings.
    const isUnread = turn.threadId === undefined && old.prompt !== undefined;
    if (isUnread) run.telling = old.telling;
    const unread = [...(isUnread ? [old.prompt] : []), ...old.steering];
    this.#carrier.enqueue(run, { prompt: [...unread, text].join("\n\n"), resume: "next_turn" });
  }
}

type Answer = SteerResult | Promise<SteerResult>;

/** It was paced when it came, and the run it is for has only begun. */
const AGAIN = { paced: false };
/** Tells the child's model that this is no new task. */
const HEADING = "[Message from the session that gave you the task]";
