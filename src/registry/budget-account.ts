/**
 * One budget: what it allows and what was used of it, by a run and all below it or by a whole tree. Budgets are upper
 * limits, one within the other: a run may use what the nearest and all above it have left. Nothing is set aside for a
 * child, since its requester, which has to go on when the child is done, would be left with nothing.
 */

import type { Budget, BudgetUse } from "../types.ts";

export type Limit = keyof Budget;
export type Amounts = Required<Budget>;

/** The budget that has nothing left, and of what. */
export type Shortage = { account: BudgetAccount; limit: Limit | "wallSeconds" };

export class BudgetAccount {
  readonly of: BudgetUse["of"];
  readonly limits: Readonly<BudgetUse["limits"]>;
  /** The budget above it. */
  readonly above: BudgetAccount | undefined;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  readonly used: Amounts = nothing();

  constructor(of: BudgetUse["of"], limits: BudgetUse["limits"], above: BudgetAccount | undefined, openedAt: number) {
    this.of = of;
    this.limits = limits;
    this.above = above;
    this.openedAt = openedAt;
  }

  /** The nearest budget that has less than the least amount left of one of these. */
  shortOf(limits: readonly Limit[]): Shortage | undefined {
    return this.find(({ limits: own, used }) =>
      limits.find((limit) => (own[limit] ?? Infinity) - used[limit] < LEAST[limit]),
    );
  }

  /** The nearest budget, itself or one above, that `broken` names a limit of. */
  find(broken: (account: BudgetAccount) => Limit | undefined): Shortage | undefined {
    const limit = broken(this);
    return limit === undefined ? this.above?.find(broken) : { account: this, limit };
  }

  /** Counts what a run under it has used. */
  charge(amounts: Amounts): void {
    for (const limit of LIMITS) this.used[limit] += amounts[limit];
    this.above?.charge(amounts);
  }

  /** Tokens until it, or one above, is used twice; Infinity where nothing limits them. */
  get roomToTwice(): number {
    const { tokens } = this.limits;
    const own = tokens === undefined ? Infinity : 2 * tokens - this.used.tokens;
    return Math.min(own, this.above?.roomToTwice ?? Infinity);
  }

  /** @param exceeded the limit that ended a run */
  use(exceeded?: Shortage["limit"]): BudgetUse {
    const wallSeconds = Math.max(0, Date.now() - this.openedAt) / 1000;
    return {
      of: this.of,
      limits: { ...this.limits },
      used: { ...this.used, wallSeconds },
      ...(exceeded === undefined ? {} : { exceeded }),
    };
  }
}

export function nothing(): Amounts {
  return { tokens: 0, usd: 0, turns: 0, toolCalls: 0 };
}

export const LIMITS: readonly Limit[] = ["tokens", "usd", "turns", "toolCalls"];
/** Less than this is nothing: calls are counted whole. */
const LEAST: Amounts = { tokens: Number.MIN_VALUE, usd: Number.MIN_VALUE, turns: 1, toolCalls: 1 };
