import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { COUNT_UNSETTLED } from "../../src/registry/groups.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import { LIMITS, newRun, settlementOf } from "./fixtures/rows.ts";
import { openForTest, openOwned, STORES, tempFile } from "./support.ts";

const collected = (groupId = "batch", changes: Partial<NewRun> = {}): NewRun =>
  newRun({ collect: true, groupId, expectsCompletion: false, ...changes });
const limits = (maxUnsettled: number, maxTotal: number) => ({ ...LIMITS, group: { maxUnsettled, maxTotal } });

describe.each(STORES)("batches of collected runs in $name", ({ file }) => {
  test("have so many that haven't ended, each requester's and each name's by itself", () => {
    const registry = openOwned(file());
    const first = collected();
    expect(registry.admit(first, limits(1, 10))).toEqual({ ok: true });
    expect(registry.admit(collected(), limits(1, 10))).toEqual({
      ...{ ok: false, reason: "group", ever: false },
      ...{ count: 1, limit: 1 },
    });
    expect(registry.admit(collected("other"), limits(1, 10))).toEqual({ ok: true });
    expect(registry.admit(collected("batch", { requesterSessionKey: "agent:main:b" }), limits(1, 10)).ok).toBe(true);
    registry.settle([settlementOf(first)]);
    expect(registry.admit(collected(), limits(1, 10))).toEqual({ ok: true });
  });

  test("have so many in all, whatever has ended of them", () => {
    const registry = openOwned(file());
    for (const run of [collected(), collected()]) {
      expect(registry.admit(run, limits(10, 2))).toEqual({ ok: true });
      registry.settle([settlementOf(run)]);
    }
    expect(registry.admit(collected(), limits(10, 2))).toEqual({
      ...{ ok: false, reason: "group", ever: true },
      ...{ count: 2, limit: 2 },
    });
  });

  test("count nothing that wasn't let in after all, and no run that is announced", () => {
    const registry = openOwned(file());
    expect(registry.admit(collected(), { ...limits(1, 1), maxQueued: 0 })).toMatchObject({ reason: "queue" });
    const failing = (): void =>
      registry.together(() => {
        expect(registry.admit(collected(), limits(1, 1))).toEqual({ ok: true });
        throw new Error("the disk is full");
      });
    expect(failing).toThrow("the disk is full");
    expect(registry.admit(newRun(), limits(1, 1))).toEqual({ ok: true });
    expect(registry.admit(collected(), limits(1, 1))).toEqual({ ok: true });
    expect(registry.admit(newRun(), limits(1, 1))).toEqual({ ok: true });
  });

  test("are forgotten with the last of their runs, and not before", () => {
    const registry = openOwned(file());
    const run = collected("batch", { createdAt: 1_000 });
    registry.admit(run, limits(1, 1));
    registry.settle([settlementOf(run, { at: 2_000 })].map(({ completion: _none, ...settled }) => settled));
    registry.purgeOlderThan(500, 2_000);
    expect(registry.admit(collected(), limits(1, 1))).toMatchObject({ reason: "group", ever: true });
    registry.purgeOlderThan(500, 10_000);
    expect(registry.admit(collected(), limits(1, 1))).toEqual({ ok: true });
  });
});

test("what one process has let in another one counts", () => {
  const file = tempFile();
  const [one, two] = [openOwned(file), openOwned(file, { pid: process.ppid })];
  expect(one.admit(collected(), limits(1, 10))).toEqual({ ok: true });
  expect(two.admit(collected(), limits(1, 10))).toMatchObject({ reason: "group" });
});

test("no limit of a batch is ever exceeded, in whatever order runs come, end and are refused", () => {
  const step = fc.record({
    group: fc.constantFrom("a", "b"),
    do: fc.constantFrom("admit", "settle"),
    which: fc.nat(20),
  });
  const body = (steps: { group: string; do: string; which: number }[], unsettled: number, total: number): void => {
    const registry = openOwned(":memory:");
    const had: Record<string, number> = { a: 0, b: 0 };
    const open: Record<string, NewRun[]> = { a: [], b: [] };
    for (const { group, do: what, which } of steps) {
      const runs = open[group]!;
      if (what === "settle") {
        const [run] = runs.splice(which % (runs.length || 1), 1);
        if (run !== undefined) registry.settle([settlementOf(run)]);
        continue;
      }
      const run = collected(group);
      const { ok } = registry.admit(run, limits(unsettled, total));
      expect(ok).toBe(runs.length < unsettled && had[group]! < total);
      if (!ok) continue;
      runs.push(run);
      had[group]! += 1;
    }
  };
  const few = fc.integer({ min: 1, max: 4 });
  fc.assert(fc.property(fc.array(step, { maxLength: 40, size: "max" }), few, fc.integer({ min: 1, max: 8 }), body), {
    numRuns: 60,
  });
});

test("a batch is counted by its index", async () => {
  const file = tempFile();
  await openForTest({ file }).close();
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(file);
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${COUNT_UNSETTLED}`).all("a", "b", 5);
  db.close();
  expect(JSON.stringify(plan)).toMatch(/USING (COVERING )?INDEX runs_unsettled_by_group/);
});
