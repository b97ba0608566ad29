/** What a budget allowed and what was used of it, on one line of a completion's block. Numbers of the host's alone. */

import type { BudgetUse } from "../types.ts";

/** `budget: of the run · tokens 1200 of 1000 (used up) · turns 3 of 5`; limits that weren't set are left out. */
export function budgetLine({ of, limits, used, exceeded, unpriced }: BudgetUse): string {
  const parts = NAMES.flatMap((name) => {
    const limit = limits[name];
    if (limit === undefined) return [];
    const over = name === exceeded ? " (used up)" : "";
    const unknown = unpriced === true && name === "usd" ? " (no prices known of a model in it)" : "";
    return [`${WORDS[name]} ${amount(name, used[name])} of ${amount(name, limit)}${over}${unknown}`];
  });
  const whose = of === "run" ? "of the run" : "of all subagents of this session";
  return ["budget: " + whose, ...parts].join(" · ");
}

type Limit = keyof BudgetUse["used"];

function amount(name: Limit, value: number): string {
  if (name === "usd") return `$${value.toFixed(4)}`;
  return name === "wallSeconds" ? `${Math.round(value)} s` : String(value);
}

const WORDS: Readonly<Record<Limit, string>> = {
  tokens: "tokens",
  usd: "cost",
  turns: "turns",
  toolCalls: "tool calls",
  wallSeconds: "time",
};
const NAMES = Object.keys(WORDS) as Limit[];
