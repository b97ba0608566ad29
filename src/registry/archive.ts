/** What is put away in time: which ended runs' transcripts are due, and which attachments are still there. */

import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";
import { LISTED_COLUMNS, toRunRow } from "./run-row.ts";
import type { RunRow } from "./run-row.ts";

export class Archive {
  readonly #db: Database;
  readonly #due: StatementSync;
  readonly #unwanted: StatementSync;
  readonly #left: StatementSync;
  readonly #archived: StatementSync;
  readonly #removed: StatementSync;
  readonly #holding: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.#due = db.prepare(`
      SELECT ${LISTED_COLUMNS} FROM runs
      WHERE endedAt < :before AND archivedAt IS NULL AND unsettledBelow = 0
        AND ${NOTHING_OWED} AND NOT EXISTS (SELECT 1 FROM runs AS later
          WHERE later.childSessionKey = runs.childSessionKey
            AND (later.endedAt IS NULL OR later.endedAt >= :before OR later.kept IS NOT NULL))
      ORDER BY endedAt LIMIT :limit`);
    this.#unwanted = db.prepare(`
      SELECT ${LISTED_COLUMNS} FROM runs
      WHERE endedAt IS NOT NULL AND archivedAt IS NULL AND cleanup = 'delete' AND unsettledBelow = 0
        AND (endedAt < :before OR ownerId NOT IN (SELECT id FROM owners))
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.runId = runs.runId AND outbox.state <> 'delivered')
        AND NOT EXISTS (SELECT 1 FROM runs AS later
          WHERE later.childSessionKey = runs.childSessionKey AND (later.endedAt IS NULL OR later.kept IS NOT NULL))
      ORDER BY endedAt LIMIT :limit`);
    this.#left = db.prepare(`
      SELECT ${LISTED_COLUMNS} FROM runs
      WHERE endedAt IS NOT NULL AND archivedAt IS NULL AND attachmentsDir IS NOT NULL AND retainAttachments = 0
        AND ${NOTHING_OWED} AND NOT EXISTS (SELECT 1 FROM runs AS later
          WHERE later.childSessionKey = runs.childSessionKey AND (later.endedAt IS NULL OR later.kept IS NOT NULL))
      ORDER BY endedAt LIMIT :limit`);
    this.#archived = db.prepare(
      "UPDATE runs SET archivedAt = ? WHERE runId = ? AND (attachmentsDir IS NULL OR retainAttachments = 1)",
    );
    this.#removed = db.prepare(
      "UPDATE runs SET attachmentsDir = NULL WHERE attachmentsDir = ? AND endedAt IS NOT NULL",
    );
    this.#holding = db.prepare("SELECT 1 FROM runs WHERE attachmentsDir = ?");
  }

  /**
   * Runs, not sessions, that ended before `before` (milliseconds since the epoch) and whose transcript stands as it was:
   * nobody works in their session or below it, nothing of theirs is still to be handed over, and it isn't one that
   * stays. Oldest first.
   */
  due(before: number, limit: number): RunRow[] {
    return this.#all(this.#due, { before, limit });
  }

  /**
   * Ended runs whose transcript isn't to be kept (`cleanup: "delete"`) and still stands, told of or owing nothing: their
   * process is gone, or they ended before `before` (milliseconds since the epoch) and it didn't get to it. Oldest first.
   */
  unwanted(before: number, limit: number): RunRow[] {
    return this.#all(this.#unwanted, { before, limit });
  }

  /** Ended runs of sessions that don't stay, told of or owing nothing, whose attachments should be gone and aren't known to be. */
  leftAttachments(limit: number): RunRow[] {
    return this.#all(this.#left, { limit });
  }

  /** Does nothing while attachments are there that shouldn't be. @param at milliseconds since the epoch */
  archived(runId: string, at: number): void {
    this.#db.write(() => this.#archived.run(at, runId));
  }

  /** Of every ended run that had this folder. */
  attachmentsRemoved(dir: string): void {
    this.#db.write(() => this.#removed.run(dir));
  }

  /** Whether a run has this folder for its attachments. */
  holdsAttachments(dir: string): boolean {
    return this.#db.read(() => this.#holding.get(dir)) !== undefined;
  }

  #all(statement: StatementSync, parameters: Record<string, number>): RunRow[] {
    return this.#db.read(() => statement.all(parameters)).map(toRunRow);
  }
}

const NOTHING_OWED = `NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.runId = runs.runId AND outbox.state = 'pending')`;
