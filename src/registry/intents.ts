/**
 * What a gateway may have been asked for without its answer having come: written before it is asked, so that neither
 * this process nor the next takes such a run for one that nobody has.
 */

import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";
import type { NewRun } from "./run-row.ts";

/**
 * `askedAt`: milliseconds since the epoch. `gateway`: its address; undefined in a row of an earlier version. `run`: the
 * one that it becomes when nobody hears the gateway's answer.
 */
export type Intent = { askedAt: number; gateway?: string; run?: NewRun };

/** With the owner that asked. */
export type UnansweredRun = { run: NewRun; ownerId: string };

export class Intents {
  /** Of this registry, and of no other: what a gateway is asked for by several of them must not be called the same. */
  readonly scope: string;
  readonly #db: Database;
  readonly #ownerId: string;
  readonly #write: StatementSync;
  readonly #find: StatementSync;
  readonly #unwritten: StatementSync;
  readonly #drop: StatementSync;
  readonly #purge: StatementSync;

  constructor(db: Database, ownerId: string) {
    this.#db = db;
    this.#ownerId = ownerId;
    this.scope = String(db.read(() => db.prepare("SELECT id FROM identity").get())?.["id"]);
    this.#write = db.prepare(
      "INSERT INTO intents (runId, askedAt, gateway, run, ownerId) VALUES (?, ?, ?, ?, ?) ON CONFLICT (runId) DO NOTHING",
    );
    this.#find = db.prepare("SELECT askedAt, gateway, run FROM intents WHERE runId = ?");
    this.#unwritten = db.prepare(UNWRITTEN);
    this.#drop = db.prepare("DELETE FROM intents WHERE runId = ?");
    this.#purge = db.prepare("DELETE FROM intents WHERE askedAt < ?");
  }

  /** The first time counts. */
  write(runId: string, { askedAt, gateway, run }: Intent & { gateway: string }): void {
    const row = run === undefined ? null : JSON.stringify(run);
    this.#db.write(() => this.#write.run(runId, askedAt, gateway, row, this.#ownerId));
  }

  /** Undefined when the run was never asked for, certainly in vain, or is known to be the gateway's. */
  find(runId: string): Intent | undefined {
    const found = this.#db.read(() => this.#find.get(runId));
    if (found === undefined) return undefined;
    const { gateway, run } = found;
    return {
      askedAt: Number(found["askedAt"]),
      ...(typeof gateway === "string" ? { gateway } : {}),
      ...(typeof run === "string" ? { run: JSON.parse(run) as NewRun } : {}),
    };
  }

  /** Runs that were asked for and stand nowhere else, neither under their id nor under their spawn's key. */
  unwritten(): UnansweredRun[] {
    const found = this.#db.read(() => this.#unwritten.all());
    return found.map(({ run, ownerId }) => ({ run: JSON.parse(String(run)) as NewRun, ownerId: String(ownerId) }));
  }

  /** It was asked for in vain, or its answer has come. */
  drop(runId: string): void {
    this.#db.write(() => this.#drop.run(runId));
  }

  purgeOlderThan(ageMs: number, now: number): number {
    return Number(this.#db.write(() => this.#purge.run(now - ageMs).changes));
  }
}

const UNWRITTEN = `
  SELECT run, ownerId FROM intents WHERE run IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM runs WHERE runs.runId = intents.runId
    OR (runs.requesterSessionKey = intents.run ->> 'requesterSessionKey'
      AND runs.idempotencyKey = intents.run ->> 'idempotencyKey')
  )`;
