/** Letting a run in: count, decide, insert, in one transaction and without an await, so that no limit is ever overrun. */

import type { StatementSync } from "node:sqlite";

import { InprocessError } from "../errors.ts";
import type { Database } from "./database.ts";
import type { Owners } from "./owners.ts";
import { runInserter } from "./insert-run.ts";
import type { NewRun } from "./run-row.ts";

export type AdmissionLimits = {
  /** Active children of one requester session. */
  maxChildren: number;
  /** Runs of this owner that stand in the lane. */
  maxQueued: number;
};

export type Admission =
  /** `activeChildren` counts the new one. */
  | { ok: true; activeChildren: number }
  | { ok: false; reason: "children"; active: number; limit: number }
  | { ok: false; reason: "queue"; queued: number; limit: number }
  /** The same requester used the same idempotency key before; `runId` is the run it stands for. */
  | { ok: false; reason: "duplicate"; runId: string };

export class Admissions {
  readonly #db: Database;
  readonly #owners: Owners;
  /** This owner's runs in the lane; kept here because counting thousands of rows for each admission would cost. */
  readonly #queued: Set<string>;
  readonly #countActive: StatementSync;
  readonly #findDuplicate: StatementSync;
  readonly #insert: (run: NewRun, ownerId: string) => void;
  readonly #countForAncestors: StatementSync;
  readonly #takeCount: StatementSync;
  readonly #dropCount: StatementSync;
  readonly #takeChildren: StatementSync;
  /** Runs of the transaction under way, to be forgotten if it fails. */
  #together: string[] | undefined;

  constructor(db: Database, owners: Owners, queued: Set<string>) {
    this.#db = db;
    this.#owners = owners;
    this.#queued = queued;
    this.#countActive = db.prepare(COUNT_ACTIVE_CHILDREN);
    this.#findDuplicate = db.prepare("SELECT runId FROM runs WHERE requesterSessionKey = ? AND idempotencyKey = ?");
    this.#insert = runInserter(db);
    this.#countForAncestors = db.prepare(COUNT_FOR_ANCESTORS);
    this.#takeCount = db.prepare(
      "UPDATE runs SET unsettledBelow = (SELECT unsettledBelow FROM runs WHERE runId = :superseded) WHERE runId = :runId",
    );
    this.#dropCount = db.prepare("UPDATE runs SET unsettledBelow = 0 WHERE runId = ?");
    this.#takeChildren = db.prepare(
      "UPDATE runs SET parentRunId = :runId WHERE requesterSessionKey = :sessionKey AND parentRunId = :superseded",
    );
  }

  /** What `work` admits is one transaction: all of it stands, or none when it throws. */
  together<T>(work: () => T): T {
    const admitted: string[] = (this.#together = []);
    try {
      return this.#db.write(work);
    } catch (error) {
      for (const runId of admitted) this.#queued.delete(runId);
      throw error;
    } finally {
      this.#together = undefined;
    }
  }

  admit(run: NewRun, limits: AdmissionLimits): Admission {
    if (!this.#owners.claimed) throw new InprocessError("internal", "admit was called before claimOwner.");
    const admission = this.#db.write((): Admission => {
      const duplicate = this.#duplicateOf(run);
      if (duplicate !== undefined) return { ok: false, reason: "duplicate", runId: duplicate };
      const active = this.#activeChildren(run.requesterSessionKey, limits.maxChildren + 1);
      if (active >= limits.maxChildren) return { ok: false, reason: "children", active, limit: limits.maxChildren };
      const queued = this.#queued.size;
      if (queued >= limits.maxQueued) return { ok: false, reason: "queue", queued, limit: limits.maxQueued };
      this.#insertRun(run);
      return { ok: true, activeChildren: active + 1 };
    });
    if (admission.ok) {
      this.#queued.add(run.runId);
      this.#together?.push(run.runId);
    }
    return admission;
  }

  /**
   * Another run for a session whose run is being given up: no new child, so no limit is asked. Those below the old run
   * hang from the new one.
   */
  restart(run: NewRun, supersededRunId: string): void {
    this.#db.write(() => {
      this.#insertRun(run);
      const runs = { superseded: supersededRunId, runId: run.runId };
      this.#takeCount.run(runs);
      this.#dropCount.run(supersededRunId);
      this.#takeChildren.run({ ...runs, sessionKey: run.childSessionKey });
    });
    this.#queued.add(run.runId);
  }

  #duplicateOf(run: NewRun): string | undefined {
    if (run.idempotencyKey === undefined) return undefined;
    const row = this.#findDuplicate.get(run.requesterSessionKey, run.idempotencyKey);
    return row === undefined ? undefined : String(row["runId"]);
  }

  #activeChildren(requesterSessionKey: string, limit: number): number {
    return Number(this.#countActive.get(requesterSessionKey, limit)?.["active"]);
  }

  #insertRun(run: NewRun): void {
    this.#insert(run, this.#owners.id);
    if (run.parentRunId !== undefined) this.#countForAncestors.run({ by: 1, parentRunId: run.parentRunId });
  }
}

/** A session that was restarted under a new run id is one child; collected runs have limits of their own. The limit keeps the count cheap; the index carries it whole. */
export const COUNT_ACTIVE_CHILDREN = `
  SELECT COUNT(*) AS active FROM (
    SELECT DISTINCT childSessionKey FROM runs INDEXED BY runs_active_by_requester
    WHERE requesterSessionKey = ? AND collect = 0 AND (state <> 'settled' OR unsettledBelow > 0)
    LIMIT ?
  )`;

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
