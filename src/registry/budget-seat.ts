/** A run's place under a budget: what it asks for, what was counted of it, why it may go no further. */

import { nothing, COUNTED, type Amounts, type BudgetAccount, type Shortage } from "./budget-account.ts";

/** The budget of a root session's runs, and how many of them aren't settled. */
export type Tree = { rootSessionKey: string; account: BudgetAccount; runs: number };

export class Seat {
  readonly account: BudgetAccount;
  readonly tree: Tree | undefined;
  /** The calls it asks for before it makes them. */
  readonly asks = new Set<"turns" | "toolCalls">();
  exceeded: Shortage | undefined;
  /** A call of its model was allowed, and what that used wasn't told yet. */
  #isAnswering = false;
  /** Tokens of the answer under way. */
  #held = 0;
  #answers = 0;
  /** What it was seen to have used, apart from the calls it asked for. */
  readonly #counted: Amounts = nothing();

  constructor(account: BudgetAccount, tree: Tree | undefined) {
    this.account = account;
    this.tree = tree;
  }

  /** Whether it may be in the middle of an answer. */
  get isAnswering(): boolean {
    return this.#isAnswering || !this.asks.has("turns");
  }

  get seenToolCalls(): number {
    return this.#counted.toolCalls;
  }

  begin(call: "turns" | "toolCalls"): void {
    this.account.charge({ ...nothing(), [call]: 1 });
    if (call === "turns") this.#isAnswering = true;
  }

  /** @param tokens that the answer under way has taken so far */
  answering(tokens: number): void {
    this.account.hold(tokens - this.#held);
    this.#held = tokens;
  }

  /**
   * It has told of so many answers: what the last of them took is in its usage, `tokens` of the run as a whole. With no
   * more tokens in there than before the last took what was seen of it.
   */
  answered(turns: number, tokens: number): void {
    if (turns <= this.#answers) return;
    this.#answers = turns;
    if (tokens <= this.#counted.tokens) return this.giveUpAnswer();
    this.#isAnswering = false;
    this.answering(0);
  }

  /** An answer nobody will tell the usage of, its thread is lost or it was ended: what came of it was used. */
  giveUpAnswer(): void {
    const tokens = this.#held;
    this.#isAnswering = false;
    this.answering(0);
    this.account.charge({ ...nothing(), tokens });
  }

  /** @param sofar of the run as a whole; less than was counted already is nothing new @returns whether there was more */
  charge(sofar: Amounts): boolean {
    const more = nothing();
    for (const limit of COUNTED) {
      more[limit] = Math.max(0, sofar[limit] - this.#counted[limit]);
      this.#counted[limit] += more[limit];
    }
    this.account.charge(more);
    return COUNTED.some((limit) => more[limit] > 0);
  }
}
