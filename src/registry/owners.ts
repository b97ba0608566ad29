/** Who may touch which runs. Each writing registry holds one owner row; only what a dead owner left is taken over. */

import { randomUUID } from "node:crypto";
import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";
import { bootedAt, lookAtProcess, thisProcess } from "./process-identity.ts";
import type { ProcessIdentity, ProcessSight } from "./process-identity.ts";
import type { Row } from "./run-row.ts";

export type OwnerRow = ProcessIdentity & { id: string; /** Milliseconds since the epoch. */ leaseUntil: number };

export class Owners {
  readonly id: string;
  readonly #db: Database;
  readonly #self: ProcessIdentity;
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #all: StatementSync;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(db: Database, self: Partial<ProcessIdentity> & { id?: string } = {}) {
    this.#db = db;
    this.id = self.id ?? randomUUID();
    this.#self = { ...thisProcess(), ...self };
    this.#upsert = db.prepare(
      `INSERT INTO owners (id, pid, host, startTime, leaseUntil) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET leaseUntil = excluded.leaseUntil`,
    );
    this.#delete = db.prepare("DELETE FROM owners WHERE id = ?");
    this.#all = db.prepare("SELECT id, pid, host, startTime, leaseUntil FROM owners");
  }

  get claimed(): boolean {
    return this.#heartbeat !== undefined;
  }

  /** Writes the row and keeps its lease renewed. The timer doesn't hold the process. */
  claim(now: number): void {
    this.renew(now);
    this.#heartbeat ??= setInterval(() => this.#renewIfPossible(), RENEW_MS).unref();
  }

  renew(now: number): void {
    const { pid, host, startTime } = this.#self;
    this.#db.write(() => this.#upsert.run(this.id, pid, host, startTime ?? null, now + LEASE_MS));
  }

  release(): void {
    if (this.#heartbeat === undefined) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    this.#db.write(() => this.#delete.run(this.id));
  }

  all(): OwnerRow[] {
    return this.#db.read(() => this.#all.all()).map(toOwnerRow);
  }

  /** Ids of the owners that still live, this one among them. Whoever isn't in it is dead, or let go of its row. */
  living(now: number): Set<string> {
    const living = this.all().filter((owner) => owner.id === this.id || !this.#isDead(owner, now));
    return new Set(living.map((owner) => owner.id));
  }

  /** Drops the rows of dead owners; inside the caller's transaction. */
  forget(living: ReadonlySet<string>): void {
    for (const owner of this.all()) if (!living.has(owner.id)) this.#delete.run(owner.id);
  }

  #isDead(owner: OwnerRow, now: number): boolean {
    return isDead(owner, lookAtProcess(owner.pid), { now, host: this.#self.host, bootedAt: bootedAt(now) });
  }

  /** A lease missed because of a lock or a full disk is no fault: while the process lives, nobody takes its runs. */
  #renewIfPossible(): void {
    try {
      this.renew(Date.now());
    } catch {
      // The next beat tries again, and a caller who writes is told.
    }
  }
}

/**
 * Dead is:
 * - at once, when the owner's host is this one and its pid doesn't exist;
 * - once the lease has run out, when the pid doesn't exist here, or belongs to another process now.
 * A suspended machine wakes with its lease run out and the same process behind the pid: not dead.
 */
export function isDead(
  owner: OwnerRow,
  sight: ProcessSight,
  here: { now: number; host: string; bootedAt: number },
): boolean {
  const leaseOver = owner.leaseUntil < here.now;
  if (!sight.alive) return leaseOver || owner.host === here.host;
  if (!leaseOver) return false;
  if (owner.startTime !== undefined && sight.startTime !== undefined) return owner.startTime !== sight.startTime;
  // Without start times, a row last renewed before this boot is all that tells a pid used again.
  return owner.leaseUntil - LEASE_MS < here.bootedAt - BOOT_SLACK_MS;
}

function toOwnerRow(row: Row): OwnerRow {
  return {
    id: String(row["id"]),
    pid: Number(row["pid"]),
    host: String(row["host"]),
    leaseUntil: Number(row["leaseUntil"]),
    ...(row["startTime"] === null ? {} : { startTime: String(row["startTime"]) }),
  };
}

export const LEASE_MS = 30_000;
export const RENEW_MS = 10_000;
/** Clocks are set a little at boot. */
const BOOT_SLACK_MS = 5_000;
