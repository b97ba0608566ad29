/** Completions on their way: written with the settlement, kept until they are delivered, or given up and kept to be read. */

import type { StatementSync } from "node:sqlite";

import type { Completion, DeliveryState } from "../types.ts";
import type { Database } from "./database.ts";
import type { Row } from "./run-row.ts";

/** One completion. Times are milliseconds since the epoch. */
export type OutboxRow = {
  key: string;
  runId: string;
  requesterSessionKey: string;
  /** Absent once delivered: the run's row and its transcript have it all. */
  completion?: Completion;
  state: Exclude<DeliveryState, "none">;
  /** Tries made, the successful one included. */
  attempts: number;
  nextAttemptAt: number;
  createdAt: number;
  lastError?: string;
};

/** A row that is still to be handed over. */
export type PendingRow = OutboxRow & { completion: Completion };

export class Outbox {
  readonly #db: Database;
  readonly #ownerId: string;
  /** Another owner of this process; its own id again when there is none. */
  #besideId: string;
  readonly #due: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #pendingFor: StatementSync;
  readonly #byRun: StatementSync;
  readonly #undelivered: StatementSync;
  readonly #counts: StatementSync;
  readonly #deliver: StatementSync;
  readonly #postpone: StatementSync;
  readonly #giveUp: StatementSync;
  readonly #move: StatementSync;
  readonly #purge: StatementSync;

  constructor(db: Database, ownerId: string) {
    this.#db = db;
    this.#ownerId = ownerId;
    this.#besideId = ownerId;
    const mine = "ownerId IN (:ownerId, :besideId) AND state = 'pending'";
    this.#due = db.prepare(
      `SELECT ${COLUMNS} FROM outbox WHERE ${mine} AND nextAttemptAt <= :now ORDER BY nextAttemptAt, rowid`,
    );
    this.#nextDue = db.prepare(`SELECT MIN(nextAttemptAt) AS at FROM outbox WHERE ${mine} AND nextAttemptAt > :after`);
    this.#pendingFor = db.prepare(
      `SELECT ${COLUMNS} FROM outbox WHERE ${mine} AND requesterSessionKey = :requesterSessionKey ORDER BY rowid`,
    );
    this.#byRun = db.prepare(`SELECT ${COLUMNS} FROM outbox WHERE runId = ?`);
    this.#undelivered = db.prepare(
      `SELECT ${COLUMNS} FROM outbox WHERE state = 'undelivered' ORDER BY rowid DESC LIMIT ?`,
    );
    this.#counts = db.prepare(
      `SELECT COUNT(*) FILTER (WHERE ownerId = :ownerId AND state = 'pending') AS pending,
         COUNT(*) FILTER (WHERE state = 'undelivered') AS undelivered
       FROM outbox WHERE state <> 'delivered'`,
    );
    const open = "WHERE key = :key AND state = 'pending'";
    this.#deliver = db.prepare(
      `UPDATE outbox SET state = 'delivered', attempts = attempts + 1, closedAt = :at, lastError = NULL, payload = NULL ${open}`,
    );
    this.#postpone = db.prepare(
      `UPDATE outbox SET attempts = attempts + 1, nextAttemptAt = :at, lastError = :error ${open}`,
    );
    this.#giveUp = db.prepare(`UPDATE outbox SET state = 'undelivered', closedAt = :at, lastError = :error ${open}`);
    this.#move = db.prepare(
      `UPDATE outbox SET requesterSessionKey = :requesterSessionKey, attempts = 0, nextAttemptAt = 0, lastError = NULL ${open}`,
    );
    this.#purge = db.prepare("DELETE FROM outbox WHERE state <> 'pending' AND closedAt < ?");
  }

  /** From now on this owner's are also those of another one in the same process, which delivers none itself. */
  takeAlong(besideId: string): void {
    this.#besideId = besideId;
  }

  /** This owner's completions whose next attempt is due, for any requester, oldest attempt first. */
  due(now: number): PendingRow[] {
    return this.#db.read(() => this.#due.all({ ...this.#mine(), now })).map(toPendingRow);
  }

  /** When the next one of this owner's is due that isn't by `after`; undefined with none. @default any that is pending */
  nextDue(after = -1): number | undefined {
    const at = this.#db.read(() => this.#nextDue.get({ ...this.#mine(), after }))?.["at"];
    return typeof at === "number" ? at : undefined;
  }

  /** All of this owner's for one requester, due or not, in the order they settled: what a delivery can take along. */
  pendingFor(requesterSessionKey: string): PendingRow[] {
    const rows = this.#db.read(() => this.#pendingFor.all({ ...this.#mine(), requesterSessionKey }));
    return rows.map(toPendingRow);
  }

  byRun(runId: string): OutboxRow | undefined {
    const row = this.#db.read(() => this.#byRun.get(runId));
    return row === undefined ? undefined : toOutboxRow(row);
  }

  /** Those given up, of every owner, newest first. */
  undelivered(limit = 100): OutboxRow[] {
    return this.#db.read(() => this.#undelivered.all(limit)).map(toOutboxRow);
  }

  /** `pending`: this owner's · `undelivered`: everybody's. */
  counts(): { pending: number; undelivered: number } {
    const row = this.#db.read(() => this.#counts.get({ ownerId: this.#ownerId }));
    return { pending: Number(row?.["pending"]), undelivered: Number(row?.["undelivered"]) };
  }

  /** Drops the payload. Keys that aren't pending are passed over, here and below. */
  markDelivered(keys: readonly string[], at: number = Date.now()): void {
    this.#forEach(keys, (key) => this.#deliver.run({ key, at }));
  }

  /** Counts an attempt. */
  postpone(keys: readonly string[], nextAttemptAt: number, error: string): void {
    this.#forEach(keys, (key) => this.#postpone.run({ key, at: nextAttemptAt, error }));
  }

  /** No more attempts; the payload stays readable until it is purged. */
  giveUp(keys: readonly string[], reason: string, at: number = Date.now()): void {
    this.#forEach(keys, (key) => this.#giveUp.run({ key, at, error: reason }));
  }

  /** To another requester, due at once and with its attempts counted afresh. */
  moveTo(keys: readonly string[], requesterSessionKey: string): void {
    this.#forEach(keys, (key) => this.#move.run({ key, requesterSessionKey }));
  }

  /** Deletes what was delivered or given up longer ago, and returns how many. @param ageMs @default 7 days */
  purgeOlderThan(ageMs: number = KEEP_MS, now: number = Date.now()): number {
    return Number(this.#db.write(() => this.#purge.run(now - ageMs).changes));
  }

  #mine(): { ownerId: string; besideId: string } {
    return { ownerId: this.#ownerId, besideId: this.#besideId };
  }

  #forEach(keys: readonly string[], write: (key: string) => void): void {
    if (keys.length === 0) return;
    this.#db.write(() => keys.forEach(write));
  }
}

function toPendingRow(row: Row): PendingRow {
  const { completion = toCompletion(row), ...rest } = toOutboxRow(row);
  return { ...rest, completion };
}

function toOutboxRow(row: Row): OutboxRow {
  return {
    key: String(row["key"]),
    runId: String(row["runId"]),
    requesterSessionKey: String(row["requesterSessionKey"]),
    ...(row["payload"] === null ? {} : { completion: toCompletion(row) }),
    state: row["state"] as OutboxRow["state"],
    attempts: Number(row["attempts"]),
    nextAttemptAt: Number(row["nextAttemptAt"]),
    createdAt: Number(row["createdAt"]),
    ...(row["lastError"] === null ? {} : { lastError: String(row["lastError"]) }),
  };
}

/** The row knows where the completion goes now; the payload was written before it moved. Its text, and its session's id, stand with its run. */
function toCompletion(row: Row): Completion {
  const completion = JSON.parse(String(row["payload"])) as Partial<Completion>;
  const text = completion.text ?? String(row["resultText"] ?? "");
  const sessionId = String(row["sessionId"] ?? "");
  return { ...(completion as Completion), text, sessionId, requesterSessionKey: String(row["requesterSessionKey"]) };
}

const COLUMNS = `outbox.*, (SELECT resultText FROM runs WHERE runs.runId = outbox.runId) AS resultText,
  (SELECT sessionId FROM runs WHERE runs.runId = outbox.runId) AS sessionId`;

export const KEEP_MS = 7 * 24 * 60 * 60 * 1_000;
