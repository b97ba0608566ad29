/** What a start does with what a dead process left: each unsettled run is settled once as interrupted, nothing runs again. */

import type { StatementSync } from "node:sqlite";

import type { Cause } from "../errors.ts";
import type { Completion, Outcome } from "../types.ts";
import type { Database } from "./database.ts";
import { runInserter } from "./insert-run.ts";
import type { Intents, UnansweredRun } from "./intents.ts";
import type { Owners } from "./owners.ts";
import type { Queries } from "./queries.ts";
import type { NewRun, RunRow } from "./run-row.ts";
import type { Settlement, Settlements } from "./settlement.ts";

/** Builds an interrupted run's completion; asked for every such run, kept for delivery only where one is owed. */
export type CompletionFor = (run: RunRow, cause: Cause) => Completion;

/** Some know only how to look after some runs. */
export type WhichRuns = (run: RunRow) => boolean;

export class Recovery {
  readonly #db: Database;
  readonly #owners: Owners;
  readonly #queries: Queries;
  readonly #settlements: Settlements;
  readonly #intents: Intents;
  readonly #insert: (run: NewRun, ownerId: string) => void;
  readonly #pendingOwners: StatementSync;
  readonly #pendingOf: StatementSync;
  readonly #adopt: StatementSync;
  readonly #adoptRun: StatementSync;

  constructor(db: Database, owners: Owners, queries: Queries, settlements: Settlements, intents: Intents) {
    this.#db = db;
    this.#owners = owners;
    this.#queries = queries;
    this.#settlements = settlements;
    this.#intents = intents;
    this.#insert = runInserter(db);
    this.#pendingOwners = db.prepare("SELECT DISTINCT ownerId FROM outbox WHERE state = 'pending'");
    this.#pendingOf = db.prepare("SELECT key, runId FROM outbox WHERE state = 'pending' AND ownerId = ?");
    this.#adopt = db.prepare("UPDATE outbox SET ownerId = :mine, nextAttemptAt = :now WHERE key = :key");
    this.#adoptRun = db.prepare("UPDATE runs SET ownerId = ? WHERE runId = ?");
  }

  /**
   * Settles the runs of dead owners, takes over their undelivered completions, and returns the runs this call settled.
   * Several processes may do it at once: every run is in the result of one of them.
   */
  takeOverDead(now: number, completionFor: CompletionFor, which: WhichRuns = () => true): RunRow[] {
    const living = this.#owners.living(now);
    this.#writeUnanswered(living);
    const left = this.#leftBehind(living).filter(which);
    if (left.length === 0 && !this.#orphansBeside(living, which)) return [];
    // Completions are built before the transaction: reading transcripts would hold every other writer up.
    const prepared = left.map((run) => {
      // One that was being given up for another in its session owes nothing.
      const isCurrent = this.#queries.byChildSession(run.childSessionKey)?.runId === run.runId;
      return interruption({ ...run, expectsCompletion: run.expectsCompletion && isCurrent }, now, completionFor);
    });
    const settled = this.#db.writeDurably(() => {
      // Looked at again: another process may have settled them by now, or a slow owner renewed its lease. An owner that
      // died only since the first look counts as living here, and is left whole for the next call.
      const stillLiving = new Set([...living, ...this.#owners.living(now)]);
      const stillLeft = new Set(this.#leftBehind(stillLiving).map((run) => run.runId));
      const result = this.#settlements.settleInTransaction(prepared.filter(({ runId }) => stillLeft.has(runId)));
      for (const key of this.#orphans(stillLiving, which)) this.#adopt.run({ mine: this.#owners.id, now, key });
      this.#owners.forget(stillLiving);
      return result.settled;
    });
    return settled.map((runId) => this.#queries.run(runId)).filter((run) => run !== undefined);
  }

  /** Several processes may do it at once: every run is adopted by one of them. */
  adoptDead(now: number, which: WhichRuns): RunRow[] {
    this.#writeUnanswered(this.#owners.living(now));
    const left = (): RunRow[] => this.#leftBehind(this.#owners.living(now)).filter(which);
    if (left().length === 0) return [];
    return this.#db.write(() => {
      const adopted = left();
      for (const { runId } of adopted) this.#adoptRun.run(this.#owners.id, runId);
      return adopted.map((run) => ({ ...run, ownerId: this.#owners.id }));
    });
  }

  /** What a dead owner asked a gateway for, and heard no answer to, may be at work there: it is a run that was left. */
  #writeUnanswered(living: ReadonlySet<string>): void {
    const left = (): UnansweredRun[] => this.#intents.unwritten().filter(({ ownerId }) => !living.has(ownerId));
    if (left().length === 0) return;
    this.#db.write(() => {
      for (const { run, ownerId } of left()) this.#insert(run, ownerId);
    });
  }

  /** Owner rows or undelivered completions that no living owner looks after. */
  #orphansBeside(living: ReadonlySet<string>, which: WhichRuns): boolean {
    return this.#owners.all().some((owner) => !living.has(owner.id)) || this.#orphans(living, which).length > 0;
  }

  #leftBehind(living: ReadonlySet<string>): RunRow[] {
    return this.#queries.unsettled().filter((run) => !living.has(run.ownerId));
  }

  /** Keys of undelivered completions that no living owner looks after. */
  #orphans(living: ReadonlySet<string>, which: WhichRuns): string[] {
    const dead = this.#ownersOfPending().filter((id) => !living.has(id));
    const rows = dead.flatMap((id) => this.#db.read(() => this.#pendingOf.all(id)));
    return rows.flatMap((row) => {
      const run = this.#queries.run(String(row["runId"]));
      return run === undefined || which(run) ? [String(row["key"])] : [];
    });
  }

  #ownersOfPending(): string[] {
    return this.#db.read(() => this.#pendingOwners.all()).map((row) => String(row["ownerId"]));
  }
}

function interruption(run: RunRow, now: number, completionFor: CompletionFor): Settlement {
  const cause: Cause = {
    code: "run_interrupted",
    message: `The process that owned the run ended while the run was ${run.state}; spawn it again if its work is still wanted.`,
  };
  const outcome: Outcome = { status: "interrupted", cause };
  const completion = { ...completionFor(run, cause), outcome };
  return {
    runId: run.runId,
    outcome,
    at: now,
    usage: completion.usage,
    text: completion.text,
    ...(completion.model === undefined ? {} : { model: completion.model }),
    ...(completion.budget === undefined ? {} : { budgetUse: completion.budget }),
    ...(run.expectsCompletion ? { completion } : {}),
  };
}
