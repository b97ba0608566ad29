/** Letting a run in: check, insert, count, in one transaction and without an await, so that no limit is ever overrun. */

import type { StatementSync } from "node:sqlite";

import { InprocessError } from "../errors.ts";
import type { AdmissionCheck, AdmissionLimits, AdmissionRefusal } from "./admission-checks.ts";
import type { Database } from "./database.ts";
import type { Owners } from "./owners.ts";
import { runInserter } from "./insert-run.ts";
import type { NewRun } from "./run-row.ts";

export type Admission =
  /** The same requester used the same idempotency key before; `runId` is the run it stands for. */
  { ok: true } | { ok: false; reason: "duplicate"; runId: string } | AdmissionRefusal;

export class Admissions {
  readonly #db: Database;
  readonly #owners: Owners;
  /** This owner's runs in the lane. */
  readonly #queued: Set<string>;
  readonly #checks: readonly AdmissionCheck[];
  readonly #findDuplicate: StatementSync;
  readonly #insert: (run: NewRun, ownerId: string) => void;
  readonly #countForAncestors: StatementSync;
  readonly #takeCount: StatementSync;
  readonly #dropCount: StatementSync;
  readonly #takeChildren: StatementSync;
  readonly #noLongerKept: StatementSync;
  readonly #delete: StatementSync;
  /** Runs of the transaction under way, to be given back if it fails. */
  #taken: NewRun[] | undefined;

  /** @param checks asked in this order */
  constructor(db: Database, owners: Owners, queued: Set<string>, checks: readonly AdmissionCheck[]) {
    this.#db = db;
    this.#owners = owners;
    this.#queued = queued;
    this.#checks = checks;
    this.#findDuplicate = db.prepare("SELECT runId FROM runs WHERE requesterSessionKey = ? AND idempotencyKey = ?");
    this.#insert = runInserter(db);
    this.#countForAncestors = db.prepare(COUNT_FOR_ANCESTORS);
    this.#takeCount = db.prepare(
      "UPDATE runs SET unsettledBelow = (SELECT unsettledBelow FROM runs WHERE runId = :superseded) WHERE runId = :runId",
    );
    this.#dropCount = db.prepare("UPDATE runs SET unsettledBelow = 0 WHERE runId = ?");
    this.#delete = db.prepare("DELETE FROM runs WHERE runId = ?");
    this.#noLongerKept = db.prepare("UPDATE runs SET kept = NULL WHERE runId = ?");
    this.#takeChildren = db.prepare(
      "UPDATE runs SET parentRunId = :runId WHERE requesterSessionKey = :sessionKey AND parentRunId = :superseded",
    );
  }

  /** What `work` admits is one transaction: all of it stands, or none when it throws. */
  together<T>(work: () => T): T {
    if (this.#taken !== undefined) return work();
    const taken: NewRun[] = (this.#taken = []);
    try {
      return this.#db.write(work);
    } catch (error) {
      for (const run of taken) for (const check of this.#checks) check.giveBack?.(run);
      throw error;
    } finally {
      this.#taken = undefined;
    }
  }

  admit(run: NewRun, limits: AdmissionLimits): Admission {
    if (!this.#owners.claimed) throw new InprocessError("internal", "admit was called before claimOwner.");
    return this.together((): Admission => {
      const duplicate = this.#duplicateOf(run);
      if (duplicate !== undefined) return { ok: false, reason: "duplicate", runId: duplicate };
      for (const check of this.#checks) {
        const refusal = check.refuse(run, limits);
        if (refusal !== undefined) return refusal;
      }
      this.#insertRun(run);
      this.#taken!.push(run);
      for (const check of this.#checks) check.take?.(run, limits);
      return { ok: true };
    });
  }

  /**
   * Another run for a session whose run is being given up: no new child, so no check is asked, and its place in the lane
   * is one more. Those below the old run hang from the new one.
   */
  restart(run: NewRun, supersededRunId: string): void {
    this.#db.write(() => {
      this.#insertRun(run);
      const runs = { superseded: supersededRunId, runId: run.runId };
      this.#takeCount.run(runs);
      this.#dropCount.run(supersededRunId);
      // A session that stays is gone on with from its newest run.
      this.#noLongerKept.run(supersededRunId);
      this.#takeChildren.run({ ...runs, sessionKey: run.childSessionKey });
    });
    this.#queued.add(run.runId);
  }

  /** Undoes a restart whose run never came about: the old one goes on. */
  takeBack(run: NewRun, supersededRunId: string): void {
    this.#db.write(() => {
      const runs = { superseded: run.runId, runId: supersededRunId };
      this.#takeCount.run(runs);
      this.#takeChildren.run({ ...runs, sessionKey: run.childSessionKey });
      if (run.parentRunId !== undefined) this.#countForAncestors.run({ by: -1, parentRunId: run.parentRunId });
      this.#delete.run(run.runId);
    });
    this.#queued.delete(run.runId);
  }

  #duplicateOf(run: NewRun): string | undefined {
    if (run.idempotencyKey === undefined) return undefined;
    const row = this.#findDuplicate.get(run.requesterSessionKey, run.idempotencyKey);
    return row === undefined ? undefined : String(row["runId"]);
  }

  #insertRun(run: NewRun): void {
    this.#insert(run, this.#owners.id);
    if (run.parentRunId !== undefined) this.#countForAncestors.run({ by: 1, parentRunId: run.parentRunId });
  }
}

/** Adds `by` to every ancestor's count of unsettled descendants. */
export const COUNT_FOR_ANCESTORS = `
  UPDATE runs SET unsettledBelow = unsettledBelow + :by
  WHERE runId IN (
    WITH RECURSIVE above (runId) AS (
      SELECT :parentRunId
      UNION
      SELECT runs.parentRunId FROM runs JOIN above ON runs.runId = above.runId WHERE runs.parentRunId IS NOT NULL
    )
    SELECT runId FROM above
  )`;
