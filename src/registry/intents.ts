/**
 * What a gateway may have been asked for without its answer having come: written before it is asked, so that neither
 * this process nor the next takes such a run for one that nobody has.
 */

import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";

/** `askedAt`: milliseconds since the epoch. `gateway`: its address; undefined in a row of an earlier version. */
export type Intent = { askedAt: number; gateway?: string };

export class Intents {
  /** Of this registry, and of no other: what a gateway is asked for by several of them must not be called the same. */
  readonly scope: string;
  readonly #db: Database;
  readonly #write: StatementSync;
  readonly #find: StatementSync;
  readonly #drop: StatementSync;
  readonly #purge: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.scope = String(db.read(() => db.prepare("SELECT id FROM identity").get())?.["id"]);
    this.#write = db.prepare(
      "INSERT INTO intents (runId, askedAt, gateway) VALUES (?, ?, ?) ON CONFLICT (runId) DO NOTHING",
    );
    this.#find = db.prepare("SELECT askedAt, gateway FROM intents WHERE runId = ?");
    this.#drop = db.prepare("DELETE FROM intents WHERE runId = ?");
    this.#purge = db.prepare("DELETE FROM intents WHERE askedAt < ?");
  }

  /** The first time counts. */
  write(runId: string, { askedAt, gateway }: Required<Intent>): void {
    this.#db.write(() => this.#write.run(runId, askedAt, gateway));
  }

  /** Undefined when the run was never asked for, or certainly in vain. */
  find(runId: string): Intent | undefined {
    const row = this.#db.read(() => this.#find.get(runId));
    if (row === undefined) return undefined;
    const { gateway } = row;
    return { askedAt: Number(row["askedAt"]), ...(typeof gateway === "string" ? { gateway } : {}) };
  }

  /** It was asked for in vain. */
  drop(runId: string): void {
    this.#db.write(() => this.#drop.run(runId));
  }

  purgeOlderThan(ageMs: number, now: number): number {
    return Number(this.#db.write(() => this.#purge.run(now - ageMs).changes));
  }
}
