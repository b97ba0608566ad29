import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { BudgetAccount } from "../../src/registry/budget-account.ts";
import { BudgetClocks } from "../../src/runtime/budget-clocks.ts";

it("a budget's time runs from when it was opened, for whoever comes under it later", async () => {
  const ended: BudgetAccount[] = [];
  const clocks = new BudgetClocks((account) => ended.push(account));
  const tree = new BudgetAccount("tree", { wallSeconds: 60 }, undefined, Date.now() - 61_000);
  const own = new BudgetAccount("run", { wallSeconds: 60, turns: 3 }, tree, Date.now());
  clocks.enter("one", own.chain);
  await expect.poll(() => ended).toEqual([tree]);
  clocks.leave("one");
});

it("it is told of once, and not when all under it have settled", async () => {
  const ended: BudgetAccount[] = [];
  const clocks = new BudgetClocks((account) => ended.push(account));
  const [one, other] = [1, 2].map(() => new BudgetAccount("tree", { wallSeconds: 0.05 }, undefined, Date.now()));
  for (const run of ["a", "b", "b"]) clocks.enter(run, [one!]);
  clocks.leave("a");
  for (const run of ["c", "d"]) clocks.enter(run, [other!]);
  for (const run of ["c", "d"]) clocks.leave(run);
  await sleep(200);
  expect(ended).toEqual([one]);
  clocks.leave("b");
});

it("a budget without a time has no clock", async () => {
  const clocks = new BudgetClocks(() => expect.fail("no time was set"));
  clocks.enter("one", [new BudgetAccount("run", { turns: 1 }, undefined, 0)]);
  await sleep(20);
});
