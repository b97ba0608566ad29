/**
 * One budget: what it allows and what was used of it, by a run and all below it or by a whole tree. Budgets are upper
 * limits, one within the other: a run may use what the nearest and all above it have left. Nothing is set aside for a
 * child, since its requester, which has to go on when the child is done, would be left with nothing.
 */

import type { Budget, BudgetUse } from "../types.ts";

export type Limit = keyof Budget;
/** What runs use; time passes by itself. */
export type Amounts = Required<Omit<Budget, "wallSeconds">>;

/** The budget that has nothing left, and of what. */
export type Shortage = { account: BudgetAccount; limit: Limit };

export class BudgetAccount {
  readonly of: BudgetUse["of"];
  readonly limits: Readonly<Budget>;
  /** The budget above it. */
  readonly above: BudgetAccount | undefined;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
  /** A run under it may use a model that no prices are known of: its dollars aren't all of them. */
  isUnpriced = false;
  readonly #used: Amounts = nothing();
  /** Tokens of answers that aren't over: they count until it is told what the answers used. */
  #underWay = 0;

  constructor(of: BudgetUse["of"], limits: Budget, above: BudgetAccount | undefined, openedAt: number) {
    this.of = of;
    this.limits = limits;
    this.above = above;
    this.openedAt = openedAt;
  }

  get used(): Required<Budget> {
    const wallSeconds = Math.max(0, Date.now() - this.openedAt) / 1000;
    return { ...this.#used, tokens: this.#used.tokens + this.#underWay, wallSeconds };
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
    for (const limit of COUNTED) this.#used[limit] += amounts[limit];
    this.above?.charge(amounts);
  }

  /** Of a session's budget, newly opened: what earlier runs have used of it. Those above have counted that. */
  goOnFrom(used: Amounts): void {
    for (const limit of COUNTED) this.#used[limit] = used[limit];
  }

  /** An answer under way has taken so many tokens more; fewer once what it used is counted. */
  hold(tokens: number): void {
    this.#underWay += tokens;
    this.above?.hold(tokens);
  }

  /** Tokens until it, or one above, is used twice; Infinity where nothing limits them. */
  get roomToTwice(): number {
    const own = 2 * (this.limits.tokens ?? Infinity) - this.used.tokens;
    return Math.min(own, this.above?.roomToTwice ?? Infinity);
  }

  /** It and all above it. */
  get chain(): BudgetAccount[] {
    return [this, ...(this.above?.chain ?? [])];
  }

  /** @param exceeded the limit that ended a run */
  use(exceeded?: Limit): BudgetUse {
    const { of, limits, used, isUnpriced } = this;
    return {
      of,
      limits: { ...limits },
      used,
      ...(exceeded === undefined ? {} : { exceeded }),
      ...(isUnpriced ? { unpriced: true } : {}),
    };
  }
}

export function nothing(): Amounts {
  return { tokens: 0, usd: 0, turns: 0, toolCalls: 0 };
}

export const COUNTED: readonly (keyof Amounts)[] = ["tokens", "usd", "turns", "toolCalls"];
export const LIMITS: readonly Limit[] = [...COUNTED, "wallSeconds"];
/** Less than this is nothing: calls are counted whole. */
const LEAST: Required<Budget> = {
  tokens: Number.MIN_VALUE,
  usd: Number.MIN_VALUE,
  turns: 1,
  toolCalls: 1,
  wallSeconds: Number.MIN_VALUE,
};
