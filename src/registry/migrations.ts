/** The schema, as a numbered list that only ever grows: a file's `user_version` is how many entries it has been through. */

import type { DatabaseSync } from "node:sqlite";

import { InprocessError } from "../errors.ts";

/**
 * Brings the file up to the last migration. Several processes may do it at once: each step is one immediate
 * transaction that looks at the version again.
 * @throws InprocessError `registry_unusable` when a newer version of the package wrote the file
 */
export function migrate(db: DatabaseSync, file: string, migrations: readonly string[] = MIGRATIONS): void {
  while (userVersion(db) !== migrations.length) {
    db.exec("BEGIN IMMEDIATE");
    try {
      const version = userVersion(db);
      refuseNewer(version, file, migrations);
      const next = migrations[version];
      if (next !== undefined) db.exec(`${next}; PRAGMA user_version = ${version + 1}`);
      db.exec("COMMIT");
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

/**
 * For an opener that must not write.
 * @throws InprocessError `registry_unusable` when the file is newer or older than this package, or has no schema yet
 */
export function requireCurrent(db: DatabaseSync, file: string, migrations: readonly string[] = MIGRATIONS): void {
  const version = userVersion(db);
  refuseNewer(version, file, migrations);
  if (version === migrations.length) return;
  const found = version === 0 ? "has nothing in it yet" : `was written by an older version (format ${version})`;
  throw new InprocessError(
    "registry_unusable",
    `The registry file ${file} ${found}; start a run on this state directory once, then look again.`,
  );
}

function refuseNewer(version: number, file: string, migrations: readonly string[]): void {
  if (version <= migrations.length) return;
  throw new InprocessError(
    "registry_unusable",
    `The registry file ${file} was written by a newer version of openclaw-inprocess (format ${version}, this one ` +
      `knows ${migrations.length}); update the package or use another state directory.`,
  );
}

function userVersion(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
}

/**
 * Append only: a released entry is never edited.
 *
 * `runs.unsettledBelow` is how many unsettled descendants a run has; kept with every admission and settlement, it
 * makes "active" (unsettled, or with unsettled descendants) a condition of one row that a partial index can carry.
 * `runs.id` follows the order of admission. Wide columns stand last, so that reading a row's head skips them.
 * `identity` has one row: what tells this file from any other.
 *
 * `groups`: how many collected runs a batch has had in all. `budgets`: what was used of a run's (`run:<runId>`) budget:
 * `used` is a JSON object by limit, `limits` says of which budget they are and which of them ended the run, `closedAt` is
 * when the run settled; the same of a session that stays (`ses:<childSessionKey>`), over all its runs. `parentId` and
 * `reserved` hold nothing.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE owners (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    startTime TEXT,
    leaseUntil INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    runId TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'settled')),
    unsettledBelow INTEGER NOT NULL DEFAULT 0,
    ownerId TEXT NOT NULL,
    childSessionKey TEXT NOT NULL,
    requesterSessionKey TEXT NOT NULL,
    rootSessionKey TEXT NOT NULL,
    parentRunId TEXT,
    sessionId TEXT NOT NULL,
    agentId TEXT NOT NULL,
    depth INTEGER NOT NULL,
    role TEXT NOT NULL,
    label TEXT,
    model TEXT,
    workspaceDir TEXT NOT NULL,
    transcriptPath TEXT NOT NULL,
    cleanup TEXT NOT NULL,
    expectsCompletion INTEGER NOT NULL,
    idempotencyKey TEXT,
    createdAt INTEGER NOT NULL,
    startedAt INTEGER,
    endedAt INTEGER,
    outcomeStatus TEXT,
    causeCode TEXT,
    causeMessage TEXT,
    usage TEXT,
    task TEXT NOT NULL,
    resultText TEXT,
    resultBytesCut INTEGER NOT NULL DEFAULT 0
  );
  CREATE UNIQUE INDEX runs_by_run_id ON runs (runId);
  CREATE INDEX runs_by_child_session ON runs (childSessionKey);
  CREATE INDEX runs_by_requester ON runs (requesterSessionKey);
  CREATE UNIQUE INDEX runs_by_idempotency_key ON runs (requesterSessionKey, idempotencyKey)
    WHERE idempotencyKey IS NOT NULL;
  CREATE INDEX runs_active_by_requester ON runs (requesterSessionKey, childSessionKey)
    WHERE state <> 'settled' OR unsettledBelow > 0;
  CREATE INDEX runs_unsettled_by_tree ON runs (rootSessionKey) WHERE state <> 'settled';

  CREATE TABLE outbox (
    key TEXT PRIMARY KEY,
    runId TEXT NOT NULL,
    ownerId TEXT NOT NULL,
    requesterSessionKey TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'undelivered')),
    attempts INTEGER NOT NULL DEFAULT 0,
    nextAttemptAt INTEGER NOT NULL,
    createdAt INTEGER NOT NULL,
    closedAt INTEGER,
    lastError TEXT,
    payload TEXT
  );
  CREATE UNIQUE INDEX outbox_by_run_id ON outbox (runId);
  CREATE INDEX outbox_open_by_requester ON outbox (requesterSessionKey, state) WHERE state <> 'delivered';
  CREATE INDEX outbox_pending_by_owner ON outbox (ownerId, nextAttemptAt) WHERE state = 'pending';
  `,
  `ALTER TABLE runs ADD COLUMN answer TEXT`,
  `CREATE TABLE intents (runId TEXT PRIMARY KEY, askedAt INTEGER NOT NULL) WITHOUT ROWID`,
  `
  ALTER TABLE intents ADD COLUMN gateway TEXT;
  CREATE TABLE identity (id TEXT NOT NULL);
  INSERT INTO identity VALUES (lower(hex(randomblob(16))));
  `,
  `
  ALTER TABLE runs ADD COLUMN taskName TEXT;
  ALTER TABLE runs ADD COLUMN mode TEXT NOT NULL DEFAULT 'run';
  ALTER TABLE runs ADD COLUMN context TEXT NOT NULL DEFAULT 'isolated';
  ALTER TABLE runs ADD COLUMN turnId TEXT;
  ALTER TABLE runs ADD COLUMN tools TEXT;
  ALTER TABLE runs ADD COLUMN collect INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN groupId TEXT;
  ALTER TABLE runs ADD COLUMN completionTarget TEXT;
  ALTER TABLE runs ADD COLUMN budget TEXT;
  ALTER TABLE runs ADD COLUMN attachmentsDir TEXT;
  ALTER TABLE runs ADD COLUMN retainAttachments INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN archivedAt INTEGER;
  ALTER TABLE runs ADD COLUMN schemaError TEXT;
  ALTER TABLE runs ADD COLUMN structured TEXT;
  ALTER TABLE runs ADD COLUMN kept TEXT;
  DROP INDEX runs_active_by_requester;
  CREATE INDEX runs_active_by_requester ON runs (requesterSessionKey, collect, childSessionKey)
    WHERE state <> 'settled' OR unsettledBelow > 0;
  CREATE INDEX runs_unsettled_by_group ON runs (requesterSessionKey, groupId)
    WHERE groupId IS NOT NULL AND state <> 'settled';
  CREATE INDEX runs_to_archive ON runs (endedAt) WHERE endedAt IS NOT NULL AND archivedAt IS NULL;

  CREATE TABLE groups (
    requesterSessionKey TEXT NOT NULL,
    groupId TEXT NOT NULL,
    total INTEGER NOT NULL DEFAULT 0,
    createdAt INTEGER NOT NULL,
    PRIMARY KEY (requesterSessionKey, groupId)
  ) WITHOUT ROWID;

  CREATE TABLE budgets (
    id TEXT PRIMARY KEY,
    parentId TEXT,
    ownerId TEXT NOT NULL,
    limits TEXT NOT NULL,
    used TEXT NOT NULL,
    reserved TEXT NOT NULL,
    openedAt INTEGER NOT NULL,
    closedAt INTEGER
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE intents ADD COLUMN run TEXT;
  ALTER TABLE intents ADD COLUMN ownerId TEXT;
  `,
];
