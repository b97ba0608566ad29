/**
 * Budgets given with the spawn of a session that stays: they hold for the session as a whole, whichever of its runs is
 * at work. One is `open` while a run is under it, the session's own or one below it, and as it was last written in
 * between: the time a session is idle for is nobody's, and another process goes on with what is left.
 */

import type { Budget } from "../types.ts";
import { BudgetAccount } from "./budget-account.ts";
import type { BudgetUses } from "./budget-uses.ts";
import type { NewRun } from "./run-row.ts";

export class SessionBudgets {
  readonly #uses: BudgetUses;
  readonly #open = new Map<string, BudgetAccount>();

  constructor(uses: BudgetUses) {
    this.#uses = uses;
  }

  /** The session's budget with what was used of it; undefined for a run whose session doesn't stay or has none. */
  look(run: NewRun, above: BudgetAccount | undefined): BudgetAccount | undefined {
    const { kept, budget, childSessionKey, createdAt } = run;
    if (kept === undefined || budget === undefined) return undefined;
    return this.#open.get(childSessionKey) ?? this.#asWritten(childSessionKey, budget, above, createdAt);
  }

  /** A run of the session was let in under it. */
  open({ childSessionKey }: NewRun, account: BudgetAccount): void {
    this.#open.set(childSessionKey, account);
  }

  /** Something was used under these. @throws what the file says against it */
  keep(accounts: readonly BudgetAccount[]): void {
    for (const [key, account] of this.#open)
      if (accounts.includes(account)) this.#uses.keepOfSession(key, account.use());
  }

  /**
   * A run under these has settled. One that can't be written stays open, and is right as long as this process lives.
   * @param isUsed whether another run is under it
   */
  leave(accounts: readonly BudgetAccount[], isUsed: (account: BudgetAccount) => boolean): void {
    for (const [key, account] of this.#open) {
      if (!accounts.includes(account)) continue;
      try {
        this.#uses.keepOfSession(key, account.use());
      } catch {
        continue;
      }
      if (!isUsed(account)) this.#open.delete(key);
    }
  }

  #asWritten(key: string, limits: Budget, above: BudgetAccount | undefined, now: number): BudgetAccount {
    const used = this.#uses.ofSession(key)?.used;
    const account = new BudgetAccount("run", limits, above, now - Math.round((used?.wallSeconds ?? 0) * 1000));
    if (used !== undefined) account.goOnFrom(used);
    return account;
  }
}
