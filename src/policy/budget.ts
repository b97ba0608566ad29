/** What is said of a budget that is used up. */

import type { BudgetUse } from "../types.ts";
import type { Refusal } from "./spawn-policy.ts";

/** @param use of the budget that has nothing left; `exceeded` says of what */
export function budgetSentence({ of, limits, used, exceeded }: BudgetUse): string {
  const whose = of === "tree" ? "The tree's budget (subagents.budget)" : "The budget that was given with the spawn";
  if (exceeded === undefined) return `${whose} is used up.`;
  const amounts = SAID[exceeded](used[exceeded], limits[exceeded] ?? 0);
  return `${whose} is used up: ${amounts}; ask for less, or allow more.`;
}

export function budgetUsedUp(use: BudgetUse): Refusal {
  return { status: "forbidden", code: "budget", message: `No subagent can be started. ${budgetSentence(use)}` };
}

/** The same of a session that stays: no further message opens a run in it. */
export function sessionBudgetUsedUp(use: BudgetUse): Refusal {
  return { status: "forbidden", code: "budget", message: `The session can't be gone on with. ${budgetSentence(use)}` };
}

const SAID: Record<NonNullable<BudgetUse["exceeded"]>, (used: number, limit: number) => string> = {
  tokens: (used, limit) => `${used} of ${limit} tokens`,
  usd: (used, limit) => `$${rounded(used, 4)} of $${limit}`,
  turns: (used, limit) => `${used} of ${limit} model calls`,
  toolCalls: (used, limit) => `${used} of ${limit} tool calls`,
  wallSeconds: (used, limit) => `${rounded(used, 1)} of ${limit} seconds`,
};

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
