/** The time of budgets: it runs from the first run under one to the last, whatever waits for a slot or for children. */

import type { BudgetAccount } from "../registry/budget-account.ts";

export class BudgetClocks {
  readonly #timeUp: (account: BudgetAccount) => void;
  readonly #clocks = new Map<BudgetAccount, { timer: NodeJS.Timeout; runs: Set<string> }>();
  readonly #accounts = new Map<string, BudgetAccount[]>();

  /** @param timeUp called once for a budget with runs that aren't settled */
  constructor(timeUp: (account: BudgetAccount) => void) {
    this.#timeUp = timeUp;
  }

  /** A run was let in. @param accounts all that it is under */
  enter(runId: string, accounts: BudgetAccount[]): void {
    const timed = accounts.filter(({ limits }) => limits.wallSeconds !== undefined);
    if (timed.length === 0) return;
    this.#accounts.set(runId, timed);
    for (const account of timed) this.#clock(account).runs.add(runId);
  }

  /** It has settled: the clock of a budget stops with the last. */
  leave(runId: string): void {
    for (const account of this.#accounts.get(runId) ?? []) {
      const clock = this.#clocks.get(account);
      clock?.runs.delete(runId);
      if (clock?.runs.size !== 0) continue;
      clearTimeout(clock.timer);
      this.#clocks.delete(account);
    }
    this.#accounts.delete(runId);
  }

  #clock(account: BudgetAccount): { runs: Set<string> } {
    const known = this.#clocks.get(account);
    if (known !== undefined) return known;
    // A session that is restarted goes on under the budget it had.
    const leftMs = account.openedAt + (account.limits.wallSeconds ?? 0) * 1000 - Date.now();
    const clock = { timer: setTimeout(() => this.#timeUp(account), Math.max(0, leftMs)), runs: new Set<string>() };
    this.#clocks.set(account, clock);
    return clock;
  }
}
