/** Looking at runs. Nothing here writes, so a registry opened to look only has all of it. */

import type { StatementSync } from "node:sqlite";

import type { RunState } from "../types.ts";
import type { Database } from "./database.ts";
import { resolve, type Resolved } from "./resolve.ts";
import { LISTED_COLUMNS, RUN_COLUMNS, toRunRow } from "./run-row.ts";
import type { Row, RunRow } from "./run-row.ts";

/** Where a run belongs: whose child it is, and in which turn it was asked for. */
export type Turn = { requesterSessionKey: string; turnId?: string; parentRunId?: string };

/** `since`: milliseconds since the epoch. */
type LookBack = { since?: number; kept?: boolean };

export type Queries = ReturnType<typeof queries>;

export function queries(db: Database) {
  const select = (rest: string): StatementSync => db.prepare(`SELECT ${RUN_COLUMNS} FROM runs ${rest}`);
  const list = (rest: string): StatementSync => db.prepare(`SELECT ${LISTED_COLUMNS} FROM runs ${rest}`);
  const byRunId = select("WHERE runId = ?");
  const listedByRunId = list("WHERE runId = ?");
  const byChildSession = select("WHERE childSessionKey = ? ORDER BY id DESC LIMIT 1");
  const byIdempotencyKey = select("WHERE requesterSessionKey = ? AND idempotencyKey = ?");
  const children = list(
    "WHERE requesterSessionKey = ? AND (state <> 'settled' OR unsettledBelow > 0 OR endedAt >= ? OR (? AND kept IS NOT NULL)) ORDER BY id",
  );
  const descendants = list(
    `WHERE requesterSessionKey IN (
       WITH RECURSIVE above (sessionKey) AS (
         SELECT ? UNION SELECT runs.childSessionKey FROM runs JOIN above ON runs.requesterSessionKey = above.sessionKey
       ) SELECT sessionKey FROM above
     ) AND (state <> 'settled' OR unsettledBelow > 0 OR endedAt >= ? OR (? AND kept IS NOT NULL)) ORDER BY id`,
  );
  const unsettledChildren = list(
    "WHERE requesterSessionKey = ? AND (state <> 'settled' OR unsettledBelow > 0) AND state <> 'settled' ORDER BY id",
  );
  const turn = db.prepare("SELECT requesterSessionKey, turnId, parentRunId FROM runs WHERE runId = ?");
  const turnsToCome = db.prepare(
    `SELECT DISTINCT turnId FROM runs WHERE requesterSessionKey = ? AND (state <> 'settled' OR unsettledBelow > 0)
     AND state <> 'settled' AND expectsCompletion = 1`,
  );
  const unsettled = list("INDEXED BY runs_unsettled_by_tree WHERE state <> 'settled' ORDER BY id");
  const newest = list("WHERE state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?");
  const countUnsettled = db.prepare(
    "SELECT COUNT(*) AS count FROM runs INDEXED BY runs_unsettled_by_tree WHERE state <> 'settled'",
  );
  const countInTree = db.prepare(
    "SELECT COUNT(*) AS count FROM runs INDEXED BY runs_unsettled_by_tree WHERE rootSessionKey = ? AND state <> 'settled'",
  );
  const countBelow = db.prepare("SELECT TOTAL(unsettledBelow) AS count FROM runs WHERE childSessionKey = ?");

  const one = (statement: StatementSync, ...parameters: string[]): RunRow | undefined => {
    const row = db.read(() => statement.get(...parameters));
    return row === undefined ? undefined : toRunRow(row);
  };
  const all = (statement: StatementSync, ...parameters: (string | number)[]): RunRow[] =>
    db.read(() => statement.all(...parameters)).map(toRunRow);
  const count = (statement: StatementSync, ...parameters: string[]): number =>
    Number(db.read(() => statement.get(...parameters))?.["count"]);

  return {
    run: (runId: string): RunRow | undefined => one(byRunId, runId),

    /** As in a list: without its answer. */
    listed: (runId: string): RunRow | undefined => one(listedByRunId, runId),

    /** The newest run of a child session. */
    byChildSession: (childSessionKey: string): RunRow | undefined => one(byChildSession, childSessionKey),

    findByIdempotencyKey: (requesterSessionKey: string, key: string): RunRow | undefined =>
      one(byIdempotencyKey, requesterSessionKey, key),

    /**
     * Active ones (unsettled, or with unsettled descendants) and those that ended at `since` or later; with `kept` also
     * the newest of each session that stays; oldest first.
     */
    childrenOf: (requesterSessionKey: string, options: LookBack = {}): RunRow[] =>
      all(children, requesterSessionKey, ...lookBack(options)),

    /** The same for all below a session, at any depth. */
    descendantsOf: (sessionKey: string, options: LookBack = {}): RunRow[] =>
      all(descendants, sessionKey, ...lookBack(options)),

    unsettledChildren: (requesterSessionKey: string): RunRow[] => all(unsettledChildren, requesterSessionKey),

    /** Undefined when there is no such run (any more). */
    turnOf: (runId: string): Turn | undefined => {
      const row = db.read(() => turn.get(runId));
      return row === undefined ? undefined : toTurn(row);
    },

    /** Turns of a session, of any owner's, of whose children results are still to come; undefined for runs without a turn. */
    turnsToCome: (requesterSessionKey: string): (string | undefined)[] =>
      db.read(() => turnsToCome.all(requesterSessionKey)).map((row) => row["turnId"]?.toString()),

    /** How many unsettled runs are below a session, at any depth. */
    unsettledDescendants: (sessionKey: string): number =>
      Math.max(count(countInTree, sessionKey), count(countBelow, sessionKey)),

    /** Every owner's, oldest first. */
    unsettled: (): RunRow[] => all(unsettled),

    /** Of every owner. */
    countUnsettled: (): number => count(countUnsettled),

    /** Newest first, of every owner. */
    listRuns: (options: { limit?: number; states?: readonly RunState[] } = {}): RunRow[] =>
      all(newest, JSON.stringify(options.states ?? ALL_STATES), options.limit ?? 100),

    /** A requester's child by run id, session key, task name, label, or the beginning of one (8 characters of a run id, none of a key). */
    resolve: (requesterSessionKey: string, target: string): Resolved =>
      resolve(all(children, requesterSessionKey, ...lookBack({})), target.trim()),
  };
}

function lookBack({ since = 0, kept = false }: LookBack): number[] {
  return [since, kept ? 1 : 0];
}

function toTurn({ requesterSessionKey, turnId, parentRunId }: Row): Turn {
  return {
    requesterSessionKey: String(requesterSessionKey),
    ...(typeof turnId === "string" ? { turnId } : {}),
    ...(typeof parentRunId === "string" ? { parentRunId } : {}),
  };
}

const ALL_STATES: readonly RunState[] = ["queued", "running", "waiting", "settled"];
