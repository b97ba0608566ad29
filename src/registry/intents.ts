/**
 * What another gateway may have been asked for without its answer having come: written before it is asked, so that
 * neither this process nor the next takes such a run for one that nobody has.
 */

import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";

export class Intents {
  readonly #db: Database;
  readonly #write: StatementSync;
  readonly #find: StatementSync;
  readonly #drop: StatementSync;
  readonly #purge: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.#write = db.prepare("INSERT INTO intents (runId, askedAt) VALUES (?, ?) ON CONFLICT (runId) DO NOTHING");
    this.#find = db.prepare("SELECT askedAt FROM intents WHERE runId = ?");
    this.#drop = db.prepare("DELETE FROM intents WHERE runId = ?");
    this.#purge = db.prepare("DELETE FROM intents WHERE askedAt < ?");
  }

  /** The first time counts. */
  write(runId: string, askedAt: number): void {
    this.#db.write(() => this.#write.run(runId, askedAt));
  }

  /** When the run was first asked for; undefined when it never was, or certainly in vain. */
  askedAt(runId: string): number | undefined {
    const row = this.#db.read(() => this.#find.get(runId));
    return row === undefined ? undefined : Number(row["askedAt"]);
  }

  /** It was asked for in vain. */
  drop(runId: string): void {
    this.#db.write(() => this.#drop.run(runId));
  }

  purgeOlderThan(ageMs: number, now: number): number {
    return Number(this.#db.write(() => this.#purge.run(now - ageMs).changes));
  }
}
