import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Registry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import type { Budget, BudgetUse } from "../../src/types.ts";
import { LIMITS, newRun, settlementOf, USAGE } from "./fixtures/rows.ts";
import { openOwned, tempFile } from "./support.ts";

const NOTHING = { ...USAGE, totalTokens: 0, costUsd: 0, turns: 0, toolCalls: 0 };

describe("budgets", () => {
  it("are never overdrawn by a call that was allowed, and refuse none while all above have something left", () => {
    const budget = fc.record(
      {
        tokens: fc.integer({ min: 1, max: 40 }),
        usd: fc.integer({ min: 1, max: 4 }),
        turns: fc.integer({ min: 1, max: 6 }),
        toolCalls: fc.integer({ min: 1, max: 6 }),
      },
      { requiredKeys: [] },
    );
    const which = fc.nat({ max: 50 });
    const step = fc.oneof(
      fc.record({
        do: fc.constant("spawn" as const),
        by: which,
        root: fc.nat(1),
        budget: fc.option(budget, { nil: undefined }),
      }),
      // Answers of several runs are under way at a time, and some are never told the end of.
      { weight: 3, arbitrary: fc.record({ do: fc.constant("ask" as const), which, tokens: fc.nat(15) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant("answered" as const),
          which,
          tokens: fc.nat(15),
          quarters: fc.nat(4),
        }),
      },
      fc.record({ do: fc.constant("tool" as const), which }),
      fc.record({ do: fc.constant("settle" as const), which }),
      fc.record({ do: fc.constant("restart" as const), which }),
    );
    fc.assert(
      fc.property(budget, fc.array(step, { maxLength: 60, size: "max" }), (treeBudget, steps) => {
        const registry = openOwned(":memory:");
        const model = new ModelOfBudgets(treeBudget);
        let runs: Live[] = [];
        for (const one of steps) {
          if (one.do === "spawn") {
            // Half of them have a run above them.
            const parent = runs.length > 0 && one.by % 2 === 0 ? runs[one.by % runs.length] : undefined;
            const row = runBelow(parent?.row, one.root, one.budget);
            const admission = registry.admit(row, { ...LIMITS, treeBudget });
            const above = parent?.pots ?? model.treeOf(runs, row.rootSessionKey);
            expect(admission.ok).toBe(!above.some((pot) => isEmpty(pot, ["tokens", "usd", "turns", "toolCalls"])));
            if (admission.ok) runs.push(model.enter(runs, row, parent));
            continue;
          }
          const run = runs[one.which % Math.max(1, runs.length)];
          if (run === undefined) continue;
          if (one.do === "ask") ask(registry, run, one.tokens);
          if (one.do === "answered") answered(registry, run, one.tokens, one.quarters / 4);
          if (one.do === "tool") tool(registry, run);
          if (one.do === "settle") {
            registry.settle([settlementOf(run.row)]);
            giveUp(run);
            runs = runs.filter((other) => other !== run);
          }
          if (one.do === "restart") {
            const row = { ...run.row, runId: newRun().runId };
            registry.restart(row, run.row.runId);
            registry.settle([settlementOf(run.row)]);
            giveUp(run);
            Object.assign(run, { row, usage: { ...NOTHING } });
          }
          for (const { pots } of runs) {
            for (const { limits, used } of pots) {
              expect(used.turns).toBeLessThanOrEqual(limits.turns ?? Infinity);
              expect(used.toolCalls).toBeLessThanOrEqual(limits.toolCalls ?? Infinity);
            }
          }
          for (const run of runs) isCountedAs(registry, run);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("have room for twice their tokens, an answer under way counted, and are twice over from there on", () => {
    const { registry, run } = oneRun({ tokens: 100 });
    const { budgets } = registry;
    expect(budgets.takeCall(run.runId, "turns")).toBe(true);
    expect(budgets.roomToTwice(run.runId)).toBe(200);
    budgets.answering(run.runId, 199);
    expect(budgets.roomToTwice(run.runId)).toBe(1);
    expect(budgets.twiceOver(run.runId)).toBeUndefined();
    budgets.answering(run.runId, 200);
    expect(budgets.roomToTwice(run.runId)).toBe(0);
    expect(budgets.twiceOver(run.runId)).toMatchObject({ limit: "tokens" });
    budgets.answering(run.runId, 250);
    expect(budgets.roomToTwice(run.runId)).toBe(0);
  });

  it("count usage that is told again, or of an earlier moment, once", () => {
    const { registry, run } = oneRun({ tokens: 1_000 });
    for (const totalTokens of [100, 100, 70, 130]) registry.budgets.spent(run.runId, { ...NOTHING, totalTokens });
    expect(registry.budgets.useOf(run.runId, false)!.used.tokens).toBe(130);
  });

  it("count the calls of a run that doesn't ask by what is seen of them", () => {
    const { registry, run } = oneRun({ toolCalls: 2 });
    registry.budgets.sawToolCall(run.runId);
    registry.budgets.sawToolCall(run.runId);
    expect(registry.budgets.over(run.runId)).toBeUndefined();
    // The usage that comes afterwards tells of the same two.
    registry.budgets.spent(run.runId, { ...NOTHING, turns: 1, toolCalls: 2 });
    expect(registry.budgets.over(run.runId)).toBeUndefined();
    registry.budgets.sawToolCall(run.runId);
    expect(registry.budgets.over(run.runId)).toMatchObject({ limit: "toolCalls" });
    expect(registry.budgets.useOf(run.runId, false)!.used).toMatchObject({ turns: 1, toolCalls: 3 });
  });

  it("count an answer under way for all who share them, and what came of one whose end nobody tells", () => {
    const registry = openOwned(":memory:");
    const [one, other] = [newRun(), newRun()];
    for (const run of [one, other]) registry.admit(run, { ...LIMITS, treeBudget: { tokens: 100 } });
    const { budgets } = registry;
    expect(budgets.takeCall(one.runId, "turns")).toBe(true);
    budgets.answering(one.runId, 60);
    expect(budgets.roomToTwice(other.runId)).toBe(140);
    expect(budgets.takeCall(other.runId, "turns")).toBe(true);
    budgets.answering(other.runId, 50);
    expect(registry.admit(newRun(), LIMITS)).toMatchObject({
      ok: false,
      reason: "budget",
      use: { of: "tree", limits: { tokens: 100 }, used: { tokens: 110, turns: 2 }, exceeded: "tokens" },
    });
    // It was less than that; of the other nobody will tell.
    budgets.spent(one.runId, { ...NOTHING, turns: 1, totalTokens: 20 });
    budgets.leave(other.runId);
    expect(budgets.useOf(one.runId, false)!.used.tokens).toBe(70);
    expect(budgets.isAnswering(one.runId)).toBe(false);
    // Its thread is lost in the middle of the next, which is asked for again.
    for (const tokens of [10, 0]) {
      expect(budgets.takeCall(one.runId, "turns")).toBe(true);
      budgets.answering(one.runId, tokens);
    }
    expect(budgets.useOf(one.runId, false)!.used.tokens).toBe(80);
  });

  it("count what came of an answer whose end is told without any use of it", () => {
    const registry = openOwned(":memory:");
    const run = newRun({ budget: { tokens: 100 } });
    registry.admit(run, LIMITS);
    const { budgets } = registry;
    for (const turns of [1, 2]) {
      expect(budgets.takeCall(run.runId, "turns")).toBe(true);
      budgets.answering(run.runId, 50);
      budgets.spent(run.runId, { ...NOTHING, turns });
    }
    expect(budgets.isAnswering(run.runId)).toBe(false);
    expect(budgets.useOf(run.runId, false)!.used.tokens).toBe(100);
    expect(budgets.takeCall(run.runId, "turns")).toBe(false);
  });

  it("let nobody in, and no model be called, when their time is over", () => {
    const registry = openOwned(":memory:");
    const opened = newRun({ createdAt: Date.now() - 5_000 });
    registry.admit(opened, { ...LIMITS, treeBudget: { wallSeconds: 4 } });
    expect(registry.admit(newRun(), LIMITS)).toMatchObject({ ok: false, use: { exceeded: "wallSeconds" } });
    expect(registry.budgets.takeCall(opened.runId, "turns")).toBe(false);
    const own = newRun({ rootSessionKey: "agent:main:other", budget: { wallSeconds: 60 }, createdAt: Date.now() });
    registry.admit(own, LIMITS);
    expect(registry.budgets.takeCall(own.runId, "turns")).toBe(true);
  });

  it("are as they were when the transaction that let runs in fails", () => {
    const registry = openOwned(":memory:");
    const run = newRun({ budget: { turns: 1 } });
    expect(() =>
      registry.together(() => {
        registry.admit(run, { ...LIMITS, treeBudget: { turns: 1 } });
        throw new Error("no more of it");
      }),
    ).toThrow("no more of it");
    expect(registry.budgets.counts(run.runId)).toBe(false);
    expect(registry.budgets.accountsOf(run.runId)).toEqual([]);
  });

  it("of a settled run are read from the file, by another process too, until the run is forgotten", async () => {
    const file = tempFile();
    const registry = openOwned(file);
    const run = newRun({ budget: { tokens: 10 } });
    registry.admit(run, LIMITS);
    const use: BudgetUse = {
      of: "run",
      limits: { tokens: 10 },
      used: { tokens: 12, usd: 0, turns: 1, toolCalls: 0, wallSeconds: 1.5 },
      exceeded: "tokens",
    };
    const { completion: _nobodyWaits, ...settlement } = settlementOf(run);
    registry.settle([{ ...settlement, at: Date.now(), budgetUse: use }]);
    expect(registry.budgets.writtenUse(run.runId)).toEqual(use);
    await registry.close();
    const later = openOwned(file);
    expect(later.budgets.writtenUse(run.runId)).toEqual(use);
    expect(later.budgets.writtenUse("another")).toBeUndefined();
    const older = newRun();
    later.admit(older, LIMITS);
    later.settle([{ ...settlement, runId: older.runId, at: Date.now() - 90_000, budgetUse: use }]);
    expect(later.purgeOlderThan(60_000, Date.now())).toBe(1);
    expect(later.budgets.writtenUse(older.runId)).toBeUndefined();
    expect(later.budgets.writtenUse(run.runId)).toEqual(use);
    later.purgeOlderThan(0, Date.now() + 60_000);
    expect(later.budgets.writtenUse(run.runId)).toBeUndefined();
  });

  it("of a session that stays are remembered while one of its runs is, and no longer", async () => {
    const file = tempFile();
    const registry = openOwned(file);
    const kept = { models: ["fixture/model"] as [string], isolation: "thread", timeoutMs: 0 } as const;
    const first = newRun({ budget: { turns: 1 }, kept });
    const next = (): NewRun => newRun({ budget: { turns: 1 }, kept, childSessionKey: first.childSessionKey });
    registry.admit(first, LIMITS);
    expect(registry.budgets.takeCall(first.runId, "turns")).toBe(true);
    const { completion: _nobodyWaits, ...settlement } = settlementOf(first);
    registry.settle([{ ...settlement, at: Date.now() - 90_000 }]);
    await registry.close();
    const later = openOwned(file);
    later.purgeOlderThan(60_000, Date.now());
    expect(later.admit(next(), LIMITS)).toMatchObject({ ok: false, reason: "budget", use: { exceeded: "turns" } });
    later.endSessions([first.childSessionKey]);
    later.purgeOlderThan(0, Date.now() + 60_000);
    expect(later.run(first.runId)).toBeUndefined();
    expect(later.admit(next(), LIMITS)).toEqual({ ok: true });
  });
});

function oneRun(budget: Budget): { registry: Registry; run: NewRun } {
  const registry = openOwned(":memory:");
  const run = newRun({ budget });
  expect(registry.admit(run, LIMITS)).toEqual({ ok: true });
  return { registry, run };
}

function runBelow(parent: NewRun | undefined, root: number, budget: Budget | undefined): NewRun {
  const rootSessionKey = parent?.rootSessionKey ?? `agent:main:root-${root}`;
  return newRun({
    requesterSessionKey: parent?.childSessionKey ?? rootSessionKey,
    rootSessionKey,
    ...(parent === undefined ? {} : { parentRunId: parent.runId }),
    ...(budget === undefined || Object.keys(budget).length === 0 ? {} : { budget }),
  });
}

/** What is known of a run's budgets is what the model says. */
function isCountedAs({ budgets }: Registry, { row, pots }: Live): void {
  const own = pots[0];
  expect(budgets.useOf(row.runId, false)?.used).toEqual(
    own && { ...own.used, tokens: tokensOf(own), wallSeconds: expect.any(Number) as number },
  );
  const rooms = pots.map((pot) => 2 * (pot.limits.tokens ?? Infinity) - tokensOf(pot));
  const room = Math.max(0, Math.min(Infinity, ...rooms));
  expect(budgets.roomToTwice(row.runId)).toBe(room === Infinity ? undefined : room);
  expect(budgets.twiceOver(row.runId) !== undefined).toBe(room === 0);
}

/** A model call, and what its answer is thought to have taken so far; the model says whether it may be made. */
function ask(registry: Registry, run: Live, tokens: number): void {
  giveUp(run);
  const may = !run.refused && !run.pots.some((pot) => isEmpty(pot, ["tokens", "usd", "turns"]));
  expect(registry.budgets.takeCall(run.row.runId, "turns")).toBe(may || run.pots.length === 0);
  if (run.pots.length === 0) return;
  run.refused ||= !may;
  if (!may) return;
  registry.budgets.answering(run.row.runId, tokens);
  expect(registry.budgets.isAnswering(run.row.runId)).toBe(true);
  run.underWay = tokens;
  for (const pot of run.pots) {
    pot.used.turns += 1;
    pot.underWay += tokens;
  }
}

/** The end of the answer under way, and what it used; with no tokens in it, what was seen of it counts. */
function answered(registry: Registry, run: Live, tokens: number, usd: number): void {
  if (run.underWay === undefined) return;
  run.usage.turns += 1;
  run.usage.totalTokens += tokens;
  run.usage.costUsd += usd;
  registry.budgets.spent(run.row.runId, run.usage);
  expect(registry.budgets.isAnswering(run.row.runId)).toBe(false);
  const told = tokens > 0;
  if (told) for (const pot of run.pots) pot.underWay -= run.underWay;
  else giveUp(run);
  run.underWay = undefined;
  for (const { used } of run.pots) {
    used.tokens += tokens;
    used.usd += usd;
  }
}

/** Nobody tells the end of its answer any more: what came of it was used. */
function giveUp(run: Live): void {
  const tokens = run.underWay ?? 0;
  run.underWay = undefined;
  for (const pot of run.pots) {
    pot.underWay -= tokens;
    pot.used.tokens += tokens;
  }
}

function tool(registry: Registry, run: Live): void {
  const may = !run.refused && !run.pots.some((pot) => isEmpty(pot, ["toolCalls"]));
  expect(registry.budgets.takeCall(run.row.runId, "toolCalls")).toBe(may || run.pots.length === 0);
  if (run.pots.length === 0) return;
  run.refused ||= !may;
  if (may) for (const { used } of run.pots) used.toolCalls += 1;
}

type Pot = {
  limits: Budget;
  used: { tokens: number; usd: number; turns: number; toolCalls: number };
  /** Tokens of answers whose end wasn't told. */
  underWay: number;
};
/** `underWay`: tokens of the answer that it waits for. */
type Live = { row: NewRun; pots: Pot[]; usage: typeof NOTHING; refused: boolean; underWay?: number | undefined };

/** Every budget as a pot of its own; a run has those of all above it, nearest first. */
class ModelOfBudgets {
  readonly #treeBudget: Budget;
  #trees = new Map<string, Pot>();

  constructor(treeBudget: Budget) {
    this.#treeBudget = treeBudget;
  }

  treeOf(runs: Live[], root: string): Pot[] {
    if (!runs.some(({ row }) => row.rootSessionKey === root)) this.#trees.delete(root);
    const pot = this.#trees.get(root);
    return pot === undefined ? [] : [pot];
  }

  enter(runs: Live[], row: NewRun, parent: Live | undefined): Live {
    let tree = this.treeOf(runs, row.rootSessionKey);
    if (tree.length === 0 && Object.keys(this.#treeBudget).length > 0) {
      tree = [pot(this.#treeBudget)];
      this.#trees.set(row.rootSessionKey, tree[0]!);
    }
    const above = parent?.pots ?? tree;
    const pots = row.budget === undefined ? above : [pot(row.budget), ...above];
    return { row, pots, usage: { ...NOTHING }, refused: false };
  }
}

function pot(limits: Budget): Pot {
  return { limits, used: { tokens: 0, usd: 0, turns: 0, toolCalls: 0 }, underWay: 0 };
}

function tokensOf({ used, underWay }: Pot): number {
  return used.tokens + underWay;
}

function isEmpty(pot: Pot, names: ("tokens" | "usd" | "turns" | "toolCalls")[]): boolean {
  return names.some((name) => (name === "tokens" ? tokensOf(pot) : pot.used[name]) >= (pot.limits[name] ?? Infinity));
}
