/**
 * What survives a restart: runs, the completions they owe, and which process looks after which of them.
 * Everything is synchronous but `close`, and short: one caller at a time is what makes admission exact.
 */

import type { RunState } from "../types.ts";
import { Admissions } from "./admission.ts";
import type { Admission } from "./admission.ts";
import { BudgetUses } from "./budget-uses.ts";
import { Budgets } from "./budgets.ts";
import { childrenCheck, queueCheck } from "./admission-checks.ts";
import type { AdmissionLimits } from "./admission-checks.ts";
import { Archive } from "./archive.ts";
import { openDatabase } from "./database.ts";
import { groupCheck, groupPurger } from "./groups.ts";
import { Intents } from "./intents.ts";
import { KEEP_MS, Outbox } from "./outbox.ts";
import { sessionCheck, sessionEnder } from "./kept-sessions.ts";
import { Owners } from "./owners.ts";
import type { OwnerRow } from "./owners.ts";
import { runPurger } from "./purge.ts";
import { queries } from "./queries.ts";
import type { Queries } from "./queries.ts";
import { Recovery } from "./recovery.ts";
import type { CompletionFor, WhichRuns } from "./recovery.ts";
import type { NewRun, RunRow } from "./run-row.ts";
import { Settlements } from "./settlement.ts";
import type { SettleResult, Settlement } from "./settlement.ts";

export type RegistryOptions = {
  /** `<stateDir>/registry.sqlite`, or `:memory:` for one that dies with the process. */
  file: string;
  /** To look only: never writes, needs no owner, works beside a busy writer. @default false */
  readOnly?: boolean;
  /** For tests: stands in for what is read of this process. */
  owner?: Partial<Omit<OwnerRow, "leaseUntil">>;
};

/**
 * Opens the registry, and unless `readOnly` creates it (file 0600, new folders 0700) and brings it up to date.
 * @throws InprocessError `state_dir_unusable` when the folder can't be made or written; `registry_unusable` when the
 * file is damaged, locked, of a newer version, or, for `readOnly`, not there
 */
export function openRegistry(options: RegistryOptions): Registry {
  const db = openDatabase(options.file, options.readOnly ?? false);
  const queued = new Set<string>();
  const owners = new Owners(db, options.owner);
  const budgetUses = new BudgetUses(db, owners.id);
  const budgets = new Budgets(budgetUses);
  const checks = [sessionCheck(db), childrenCheck(db), groupCheck(db), queueCheck(queued), budgets.check()];
  const admissions = new Admissions(db, owners, queued, checks);
  const settlements = new Settlements(db, owners.id, queued, budgetUses);
  const outbox = new Outbox(db, owners.id);
  const intents = new Intents(db, owners.id);
  const archive = new Archive(db);
  const looks = queries(db);
  const recovery = new Recovery(db, owners, looks, settlements, intents);
  const purgeRuns = runPurger(db);
  const purgeGroups = groupPurger(db);
  return {
    ...looks,
    ownerId: owners.id,
    outbox,
    intents,
    archive,
    budgets,
    claimOwner: (now = Date.now()) => owners.claim(now),
    releaseOwner: () => owners.release(),
    owners: () => owners.all(),
    isAlone: (now = Date.now()) => owners.living(now).size === 1,
    together: (work) => admissions.together(work),
    admit: (run, limits) => admissions.admit(run, limits),
    restart: (run, supersededRunId) => {
      admissions.restart(run, supersededRunId);
      budgets.restart(run.runId, supersededRunId);
    },
    endSessions: sessionEnder(db),
    takeBack: (run, supersededRunId) => {
      admissions.takeBack(run, supersededRunId);
      budgets.restart(supersededRunId, run.runId);
    },
    setState: (runId, state, at) => settlements.setState(runId, state, at),
    expectNothing: (runId) => settlements.expectNothing(runId),
    settle: (list) => {
      const result = settlements.settle(list);
      for (const { runId } of list) budgets.leave(runId);
      return result;
    },
    sync: () => db.sync(),
    takeOverDead: (now, completionFor, which) => recovery.takeOverDead(now, completionFor, which),
    adoptDead: (now, which) => recovery.adoptDead(now, which),
    purgeOlderThan: (ageMs = KEEP_MS, now = Date.now(), keepUnarchived = false) =>
      outbox.purgeOlderThan(ageMs, now) +
      purgeRuns(ageMs, now, keepUnarchived) +
      purgeGroups(ageMs, now) +
      intents.purgeOlderThan(ageMs, now),
    close: async () => {
      try {
        owners.release();
      } finally {
        await db.close();
      }
    },
  };
}

/** Besides the methods here, those of `Queries`. Writing ones throw `internal` on a registry opened to look only. */
export interface Registry extends Queries {
  readonly ownerId: string;
  readonly outbox: Outbox;
  readonly intents: Intents;
  readonly archive: Archive;
  /** Of this process's runs. */
  readonly budgets: Budgets;

  /** Writes this process's owner row (lease 30 s) and renews it every 10 s by a timer that doesn't hold the process. */
  claimOwner(now?: number): void;
  /** Stops the renewal and deletes the row. What this owner leaves unsettled or undelivered is then anybody's to take over. */
  releaseOwner(): void;
  owners(): OwnerRow[];
  /** Whether no other owner lives that could look after what the dead left. */
  isAlone(now?: number): boolean;

  /**
   * Counts, decides and inserts the run as `queued`, all at once. A power cut, not a kill, can lose an admission.
   * @throws InprocessError `internal` before `claimOwner`
   */
  admit(run: NewRun, limits: AdmissionLimits): Admission;
  /** Makes what `work` admits one transaction; when it throws, none of it was admitted. */
  together<T>(work: () => T): T;
  /** A new run, `queued`, in the session of one that is to be settled next; what is below that one goes over to it. */
  restart(run: NewRun, supersededRunId: string): void;
  /** Sessions that stay stay no longer: a follow-up isn't let in any more. Their runs are left as they are. */
  endSessions(childSessionKeys: readonly string[]): void;
  /** Undoes such a restart, whose run never came about. */
  takeBack(run: NewRun, supersededRunId: string): void;
  /** `queued → running ⇄ waiting`. @throws InprocessError `internal` for any other change, `settled` included */
  setState(runId: string, state: RunState, at: number): void;
  /** Its end will owe its requester nothing, whatever it is. */
  expectNothing(runId: string): void;
  /** Outcomes with what they owe, in one transaction. A settled run stays as it is. On the disk once `sync` has resolved. */
  settle(settlements: readonly Settlement[]): SettleResult;
  /** Resolves when everything written before is on the disk, whatever happens to the machine. */
  sync(): Promise<void>;

  /**
   * Settles the runs of dead owners as `interrupted`, adopts their undelivered completions, returns the runs it settled.
   * @param which of them, by run. @default all
   */
  takeOverDead(now: number, completionFor: CompletionFor, which?: WhichRuns): RunRow[];
  /**
   * Makes unsettled runs of dead owners this owner's, as they stand, and returns them: for work that goes on elsewhere.
   * Those among them that a gateway's answer was awaited for still have their intent.
   */
  adoptDead(now: number, which: WhichRuns): RunRow[];

  /**
   * Deletes completions closed, runs ended, batches begun and intents written longer ago; at most 1,000 runs a call.
   * @default ageMs 7 days
   * @param keepUnarchived runs whose transcripts are still to be put away stay. @default false
   */
  purgeOlderThan(ageMs?: number, now?: number, keepUnarchived?: boolean): number;

  /** Releases the owner, ends the helper thread, empties the write-ahead log and closes the file. */
  close(): Promise<void>;
}
