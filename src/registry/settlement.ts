/**
 * The state of a run, changed here and nowhere else: `queued → running ⇄ waiting → settled`. Any unsettled state may
 * settle (a queued run can be killed), a settled one never changes again.
 */

import type { StatementSync } from "node:sqlite";

import { InprocessError } from "../errors.ts";
import type { BudgetUse, Completion, Outcome, RunState, Usage } from "../types.ts";
import { COUNT_FOR_ANCESTORS } from "./admission.ts";
import type { BudgetUses } from "./budget-uses.ts";
import type { Database } from "./database.ts";
import { CAUSE_CHARS, cutBytes, cutChars, RESULT_BYTES } from "./run-row.ts";

/** How a run ended. */
export type Settlement = {
  runId: string;
  outcome: Outcome;
  /** Milliseconds since the epoch. */
  at: number;
  usage: Usage;
  /** Final or partial answer; what is above 256 KiB is cut off. */
  text?: string;
  /** The model that answered, `provider/id`. */
  model?: string;
  /** The answer in the form that was asked for, at most 256 KiB as JSON; or why there is none. */
  structured?: unknown;
  schemaError?: string;
  /** For a run under a budget. */
  budgetUse?: BudgetUse;
  /** What to hand over; absent when nothing is owed. */
  completion?: Completion;
};

/** Run ids, each in one of the lists. `already`: settled before, and left as it was. */
export type SettleResult = { settled: string[]; already: string[]; unknown: string[] };

export class Settlements {
  readonly #db: Database;
  readonly #ownerId: string;
  readonly #queued: Set<string>;
  readonly #start: StatementSync;
  readonly #wait: StatementSync;
  readonly #stateOf: StatementSync;
  readonly #expectNothing: StatementSync;
  readonly #settle: StatementSync;
  readonly #owe: StatementSync;
  readonly #countForAncestors: StatementSync;
  readonly #budgetUses: BudgetUses;

  constructor(db: Database, ownerId: string, queued: Set<string>, budgetUses: BudgetUses) {
    this.#db = db;
    this.#ownerId = ownerId;
    this.#queued = queued;
    this.#start = db.prepare(
      `UPDATE runs SET state = 'running', startedAt = COALESCE(startedAt, :at)
       WHERE runId = :runId AND state IN ('queued', 'waiting')`,
    );
    this.#wait = db.prepare("UPDATE runs SET state = 'waiting' WHERE runId = ? AND state = 'running'");
    this.#stateOf = db.prepare("SELECT state FROM runs WHERE runId = ?");
    this.#expectNothing = db.prepare("UPDATE runs SET expectsCompletion = 0 WHERE runId = ?");
    this.#settle = db.prepare(SETTLE_RUN);
    this.#owe = db.prepare(OWE_COMPLETION);
    this.#countForAncestors = db.prepare(COUNT_FOR_ANCESTORS);
    this.#budgetUses = budgetUses;
  }

  /** @throws InprocessError `internal` for a transition that isn't in the state machine, and for `settled`, which `settle` writes */
  setState(runId: string, state: RunState, at: number): void {
    const changed = this.#db.write(() => {
      if (state === "running") return this.#start.run({ runId, at }).changes;
      if (state === "waiting") return this.#wait.run(runId).changes;
      return 0;
    });
    if (Number(changed) === 0) this.#refuse(runId, state);
    this.#queued.delete(runId);
  }

  expectNothing(runId: string): void {
    this.#db.write(() => this.#expectNothing.run(runId));
  }

  /** All in one transaction: each run's outcome together with what it owes. */
  settle(settlements: readonly Settlement[]): SettleResult {
    const result = this.#db.write(() => this.settleInTransaction(settlements));
    for (const { runId } of settlements) this.#queued.delete(runId);
    return result;
  }

  /** The same for a caller that has its own transaction. */
  settleInTransaction(settlements: readonly Settlement[]): SettleResult {
    const result: SettleResult = { settled: [], already: [], unknown: [] };
    for (const settlement of settlements) result[this.#settleOne(settlement)].push(settlement.runId);
    return result;
  }

  #settleOne(settlement: Settlement): keyof SettleResult {
    const { runId, outcome, at, usage, completion } = settlement;
    const result = settlement.text === undefined ? undefined : cutBytes(settlement.text, RESULT_BYTES);
    const row = this.#settle.get({
      runId,
      at,
      status: outcome.status,
      causeCode: outcome.cause?.code ?? null,
      causeMessage: outcome.cause === undefined ? null : cutChars(outcome.cause.message, CAUSE_CHARS),
      usage: JSON.stringify(usage),
      model: settlement.model ?? null,
      text: result?.text ?? null,
      bytesCut: result?.bytesCut ?? 0,
      structured: settlement.structured === undefined ? null : JSON.stringify(settlement.structured),
      schemaError: settlement.schemaError === undefined ? null : cutChars(settlement.schemaError, CAUSE_CHARS),
    });
    if (row === undefined) return this.#stateOf.get(runId) === undefined ? "unknown" : "already";
    const parentRunId = row["parentRunId"];
    if (typeof parentRunId === "string") this.#countForAncestors.run({ by: -1, parentRunId });
    if (settlement.budgetUse !== undefined) this.#budgetUses.keep(runId, settlement.budgetUse, at);
    // A text that stands whole with the run is written once: 200 KB twice was half of what a settlement cost.
    const isSame = completion?.text === result?.text;
    if (completion !== undefined) this.#oweCompletion(runId, isSame ? withoutText(completion) : completion, at);
    return "settled";
  }

  #oweCompletion(runId: string, completion: Omit<Completion, "text">, at: number): void {
    const { key, requesterSessionKey } = completion;
    this.#owe.run({
      key,
      runId,
      requesterSessionKey,
      ownerId: this.#ownerId,
      at,
      payload: JSON.stringify(completion),
    });
  }

  #refuse(runId: string, state: RunState): never {
    const row = this.#db.read(() => this.#stateOf.get(runId));
    if (row === undefined) throw new InprocessError("internal", `setState was called for ${runId}, which isn't a run.`);
    throw new InprocessError("internal", `Run ${runId} is ${String(row["state"])} and can't be set to ${state}.`);
  }
}

function withoutText({ text: _withItsRun, ...completion }: Completion): Omit<Completion, "text"> {
  return completion;
}

const SETTLE_RUN = `
  UPDATE runs SET state = 'settled', endedAt = :at, outcomeStatus = :status, causeCode = :causeCode,
    causeMessage = :causeMessage, usage = :usage, model = COALESCE(:model, model), resultText = :text,
    resultBytesCut = :bytesCut, structured = :structured, schemaError = :schemaError
  WHERE runId = :runId AND state <> 'settled'
  RETURNING parentRunId`;

const OWE_COMPLETION = `
  INSERT INTO outbox (key, runId, ownerId, requesterSessionKey, state, nextAttemptAt, createdAt, payload)
  VALUES (:key, :runId, :ownerId, :requesterSessionKey, 'pending', :at, :at, :payload)`;
