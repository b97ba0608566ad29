import { describe, expect, test } from "vitest";

import type { Registry } from "../../src/registry/registry.ts";
import { childOf, completionOf, LIMITS, MAIN, newRun, settlementOf } from "./fixtures/rows.ts";
import { openOwned, STORES, tempFile } from "./support.ts";

const OTHER = "agent:main:other";

describe.each(STORES)("the outbox in $name", ({ file }) => {
  test("what was settled is due at once, and goes out once", () => {
    const registry = openOwned(file());
    const [a, b] = [owe(registry), owe(registry, OTHER)];
    expect(keysOf(registry.outbox.due(2_000))).toEqual([a, b]);
    expect(registry.outbox.due(1_999)).toEqual([]);
    expect(keysOf(registry.outbox.pendingFor(OTHER))).toEqual([b]);
    registry.outbox.markDelivered([a], 3_000);
    registry.outbox.markDelivered([a], 4_000);
    expect(keysOf(registry.outbox.due(9_999))).toEqual([b]);
    expect(registry.outbox.byRun(a.slice(4))).toMatchObject({ state: "delivered", attempts: 1 });
    expect(registry.run(a.slice(4))?.delivery).toBe("delivered");
  });

  test("a delivered row keeps no payload", () => {
    const registry = openOwned(file());
    const key = owe(registry);
    registry.outbox.markDelivered([key]);
    expect(registry.outbox.byRun(key.slice(4))).not.toHaveProperty("completion");
  });

  test("a postponed one waits for its time, still comes along with others, and remembers why", () => {
    const registry = openOwned(file());
    const key = owe(registry);
    registry.outbox.postpone([key], 5_000, "busy");
    registry.outbox.postpone([key], 6_000, "still busy");
    expect(registry.outbox.due(5_999)).toEqual([]);
    expect(registry.outbox.nextDue()).toBe(6_000);
    expect(registry.outbox.pendingFor(MAIN)).toMatchObject([
      { key, attempts: 2, lastError: "still busy", nextAttemptAt: 6_000 },
    ]);
    expect(keysOf(registry.outbox.due(6_000))).toEqual([key]);
  });

  test("one given up is listed as undelivered and readable by its run", () => {
    const registry = openOwned(file());
    const key = owe(registry);
    registry.outbox.giveUp([key], "the session is gone");
    expect(registry.outbox.due(9_999)).toEqual([]);
    expect(registry.outbox.undelivered()).toMatchObject([{ key, lastError: "the session is gone" }]);
    expect(registry.outbox.byRun(key.slice(4))?.completion?.text).toBe("42 words");
    expect(registry.run(key.slice(4))?.delivery).toBe("undelivered");
    expect(registry.outbox.counts()).toEqual({ pending: 0, undelivered: 1 });
    registry.outbox.markDelivered([key]);
    expect(registry.outbox.counts().undelivered).toBe(1);
  });

  test("one moved to another requester is due there at once, addressed to it", () => {
    const registry = openOwned(file());
    const key = owe(registry);
    registry.outbox.postpone([key], 99_999, "gone");
    registry.outbox.moveTo([key], OTHER);
    expect(registry.outbox.pendingFor(MAIN)).toEqual([]);
    const [row] = registry.outbox.due(2_000);
    expect(row).toMatchObject({ key, requesterSessionKey: OTHER, attempts: 0 });
    expect(row?.completion.requesterSessionKey).toBe(OTHER);
  });

  test("what was closed a week ago is forgotten with its run, what is pending or newer is not", () => {
    const registry = openOwned(file());
    const day = 24 * 60 * 60 * 1_000;
    const [old, given, fresh, pending] = [owe(registry), owe(registry), owe(registry), owe(registry)];
    const unsettled = newRun();
    registry.admit(unsettled, LIMITS);
    registry.outbox.markDelivered([old], 2_500);
    registry.outbox.giveUp([given], "gone", 2_500);
    registry.outbox.markDelivered([fresh], 5 * day);
    expect(registry.purgeOlderThan(undefined, 2_500 + 7 * day)).toBe(0);
    expect(registry.purgeOlderThan(undefined, 2_501 + 7 * day)).toBe(4);
    const left = registry.listRuns().map((run) => run.runId);
    expect(left).toEqual([unsettled.runId, pending.slice(4), fresh.slice(4)]);
    expect(keysOf(registry.outbox.due(9_999))).toEqual([pending]);
  });
});

test("a run with something unsettled below it is not forgotten, however old", () => {
  const registry = openOwned(":memory:");
  const parent = newRun();
  const child = childOf(parent);
  for (const run of [parent, child]) registry.admit(run, LIMITS);
  const { completion: _none, ...settlement } = settlementOf(parent);
  registry.settle([settlement]);
  expect(registry.purgeOlderThan(0, 9_999)).toBe(0);
  registry.settle([{ ...settlement, runId: child.runId }]);
  expect(registry.purgeOlderThan(0, 9_999)).toBe(2);
});

test("one owner's completions are not another's to deliver while it lives", () => {
  const file = tempFile();
  const [mine, theirs] = [openOwned(file), openOwned(file)];
  const key = owe(mine);
  expect(keysOf(mine.outbox.due(2_000))).toEqual([key]);
  expect(theirs.outbox.due(2_000)).toEqual([]);
  expect(theirs.outbox.pendingFor(MAIN)).toEqual([]);
  expect(theirs.outbox.nextDue()).toBeUndefined();
  expect(theirs.outbox.counts().pending).toBe(0);
});

test("one that takes another's along delivers both, and counts its own", () => {
  const file = tempFile();
  const [mine, theirs] = [openOwned(file), openOwned(file)];
  mine.outbox.takeAlong(theirs.ownerId);
  const keys = [owe(mine), owe(theirs)];
  expect(keysOf(mine.outbox.due(2_000))).toEqual(keys);
  expect(keysOf(mine.outbox.pendingFor(MAIN))).toEqual(keys);
  expect([mine.outbox.counts().pending, theirs.outbox.counts().pending]).toEqual([1, 1]);
  mine.outbox.postpone([keys[0]!], 5_000, "busy");
  mine.outbox.postpone([keys[1]!], 4_000, "busy");
  expect(mine.outbox.nextDue()).toBe(4_000);
  mine.outbox.markDelivered([keys[1]!]);
  expect(theirs.outbox.counts().pending).toBe(0);
});

/** A settled run's completion on its way; its key is `key-<run id>`. */
function owe(registry: Registry, requesterSessionKey: string = MAIN): string {
  const run = newRun({ requesterSessionKey });
  registry.admit(run, LIMITS);
  registry.settle([settlementOf(run)]);
  return completionOf(run).key;
}

function keysOf(rows: { key: string }[]): string[] {
  return rows.map((row) => row.key);
}
