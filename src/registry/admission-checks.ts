/**
 * The limits a run must keep to be let in, each a check of its own. All of them are asked inside the admission's
 * transaction and without an await, so what one has read can't change before the run is inserted.
 */

import type { Budget, BudgetUse } from "../types.ts";
import type { Database } from "./database.ts";
import type { NewRun } from "./run-row.ts";

export type AdmissionLimits = {
  /** Active children of one requester session. */
  maxChildren: number;
  /** Runs of this owner that stand in the lane. */
  maxQueued: number;
  /** Of a collected run's batch: those that haven't ended, and those it may ever have. @default no limit */
  group?: { maxUnsettled: number; maxTotal: number };
  /** What a tree's budget allows that is opened with this run. @default nothing is limited */
  treeBudget?: Budget;
};

/** `reason` tells which check refused; each brings its own numbers. */
export type AdmissionRefusal =
  | { ok: false; reason: "children"; active: number; limit: number }
  | { ok: false; reason: "queue"; queued: number; limit: number }
  /** `ever`: the batch has had too many in all, not too many that haven't ended. */
  | { ok: false; reason: "group"; ever: boolean; count: number; limit: number }
  | { ok: false; reason: "budget"; use: BudgetUse }
  /** Of a follow-up: its session was ended, or another run is at work in it. */
  | { ok: false; reason: "session"; ended: boolean };

export type AdmissionCheck = {
  /** Why the run isn't let in; undefined: it may be. Only looks: a check after it may still refuse. */
  refuse(run: NewRun, limits: AdmissionLimits): AdmissionRefusal | undefined;
  /** The run was inserted: counts it. What this writes into the database is rolled back with the transaction. */
  take?(run: NewRun, limits: AdmissionLimits): void;
  /** The transaction failed after `take`: takes back what `take` keeps in memory. */
  giveBack?(run: NewRun): void;
};

/** A collected run is none of its requester's active children. */
export function childrenCheck(db: Database): AdmissionCheck {
  const countActive = db.prepare(COUNT_ACTIVE_CHILDREN);
  return {
    refuse: (run, { maxChildren: limit }) => {
      if (run.collect) return undefined;
      const active = Number(countActive.get(run.requesterSessionKey, run.childSessionKey, limit + 1)?.["active"]);
      return active < limit ? undefined : { ok: false, reason: "children", active, limit };
    },
  };
}

/** @param queued this owner's runs in the lane; kept there because counting thousands of rows for each admission would cost */
export function queueCheck(queued: Set<string>): AdmissionCheck {
  return {
    refuse: (_run, { maxQueued: limit }) =>
      queued.size < limit ? undefined : { ok: false, reason: "queue", queued: queued.size, limit },
    take: ({ runId }) => void queued.add(runId),
    giveBack: ({ runId }) => void queued.delete(runId),
  };
}

/**
 * A session that was restarted under a new run id is one child, and no other than itself. The limit keeps the count cheap;
 * the index carries it whole. SQLite plans with the number of a bare `LIMIT ?`, so it would plan anew at every count.
 */
export const COUNT_ACTIVE_CHILDREN = `
  SELECT COUNT(*) AS active FROM (
    SELECT DISTINCT childSessionKey FROM runs INDEXED BY runs_active_by_requester
    WHERE requesterSessionKey = ? AND collect = 0 AND childSessionKey <> ? AND (state <> 'settled' OR unsettledBelow > 0)
    LIMIT +?
  )`;
