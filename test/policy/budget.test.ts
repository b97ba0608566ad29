import { expect, it } from "vitest";

import { budgetSentence, budgetUsedUp, sessionBudgetUsedUp } from "../../src/policy/budget.ts";
import type { BudgetUse } from "../../src/types.ts";

const USED = { tokens: 1_205, usd: 0.123456, turns: 3, toolCalls: 9, wallSeconds: 12.3456 };

it.each<[BudgetUse["exceeded"], BudgetUse["limits"], string]>([
  ["tokens", { tokens: 1_000 }, "1205 of 1000 tokens"],
  ["usd", { usd: 0.1 }, "$0.1235 of $0.1"],
  ["turns", { turns: 3 }, "3 of 3 model calls"],
  ["toolCalls", { toolCalls: 9 }, "9 of 9 tool calls"],
  ["wallSeconds", { wallSeconds: 12 }, "12.3 of 12 seconds"],
])("a budget's end by its %s says what was used of what", (exceeded, limits, amounts) => {
  const use: BudgetUse = { of: "tree", limits: { turns: 50, ...limits }, used: USED, exceeded: exceeded! };
  expect(budgetSentence(use)).toBe(
    `The tree's budget (subagents.budget) is used up: ${amounts}; ask for less, or allow more.`,
  );
  expect(budgetUsedUp({ ...use, of: "run" })).toEqual({
    status: "forbidden",
    code: "budget",
    message: `No subagent can be started. The budget that was given with the spawn is used up: ${amounts}; ask for less, or allow more.`,
  });
});

it("a budget that isn't said to be used up of anything is said to be used up", () => {
  expect(budgetSentence({ of: "run", limits: {}, used: USED })).toBe(
    "The budget that was given with the spawn is used up.",
  );
});

it("a session whose budget is used up can't be gone on with", () => {
  expect(sessionBudgetUsedUp({ of: "run", limits: { turns: 3 }, used: USED, exceeded: "turns" })).toEqual({
    status: "forbidden",
    code: "budget",
    message:
      "The session can't be gone on with. The budget that was given with the spawn is used up: 3 of 3 model calls; ask for less, or allow more.",
  });
});
