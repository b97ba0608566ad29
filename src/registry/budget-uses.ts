/**
 * What runs had used of what, in the file: as a run's process last saw it, and as it was when the run settled. And what
 * all runs of a session that stays have used of its budget.
 */

import type { StatementSync } from "node:sqlite";

import type { BudgetUse } from "../types.ts";
import type { Database } from "./database.ts";

export class BudgetUses {
  readonly #db: Database;
  readonly #ownerId: string;
  readonly #keep: StatementSync;
  readonly #read: StatementSync;

  constructor(db: Database, ownerId: string) {
    this.#db = db;
    this.#ownerId = ownerId;
    this.#keep = db.prepare(KEEP);
    this.#read = db.prepare("SELECT limits, used FROM budgets WHERE id = ?");
  }

  /** @param closedAt when the run settled; undefined = it goes on */
  keep(runId: string, use: BudgetUse, closedAt?: number): void {
    this.#write(ofRun(runId), use, closedAt);
  }

  keepOfSession(childSessionKey: string, use: BudgetUse): void {
    this.#write(ofSession(childSessionKey), use);
  }

  of(runId: string): BudgetUse | undefined {
    return this.#look(ofRun(runId));
  }

  ofSession(childSessionKey: string): BudgetUse | undefined {
    return this.#look(ofSession(childSessionKey));
  }

  #write(id: string, { used, ...limits }: BudgetUse, closedAt?: number): void {
    const openedAt = (closedAt ?? Date.now()) - Math.round(used.wallSeconds * 1000);
    this.#db.write(() =>
      this.#keep.run({
        id,
        ownerId: this.#ownerId,
        limits: JSON.stringify(limits),
        used: JSON.stringify(used),
        openedAt,
        closedAt: closedAt ?? null,
      }),
    );
  }

  #look(id: string): BudgetUse | undefined {
    const row = this.#db.read(() => this.#read.get(id));
    if (row === undefined) return undefined;
    const limits = JSON.parse(String(row["limits"])) as Omit<BudgetUse, "used">;
    return { ...limits, used: JSON.parse(String(row["used"])) as BudgetUse["used"] };
  }
}

function ofRun(runId: string): string {
  return `run:${runId}`;
}

function ofSession(childSessionKey: string): string {
  return `ses:${childSessionKey}`;
}

const KEEP = `
  INSERT INTO budgets (id, ownerId, limits, used, reserved, openedAt, closedAt)
  VALUES (:id, :ownerId, :limits, :used, '{}', :openedAt, :closedAt)
  ON CONFLICT (id) DO UPDATE SET limits = excluded.limits, used = excluded.used, closedAt = excluded.closedAt`;
