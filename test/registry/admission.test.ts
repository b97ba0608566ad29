import fc from "fast-check";
import type { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";

import { COUNT_ACTIVE_CHILDREN } from "../../src/registry/admission-checks.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { childOf, LIMITS, MAIN, newRun, settlementOf } from "./fixtures/rows.ts";
import { openForTest, openOwned, STORES, tempFile } from "./support.ts";

describe.each(STORES)("admission in $name", ({ file }) => {
  test("a run is let in as queued, with all that was said of it", () => {
    const registry = openOwned(file());
    const run = newRun({
      label: "words",
      model: "demo/one",
      idempotencyKey: "k1",
      parentRunId: "p",
      cleanup: "delete",
      mode: "session",
      context: "fork",
      taskName: "count",
      turnId: "turn-1",
      tools: ["read", "lookup"],
      collect: true,
      groupId: "batch",
      completionTarget: "parent",
      budget: { tokens: 5, usd: 0.5 },
      attachmentsDir: "/workspace/.openclaw/attachments/1",
      retainAttachments: true,
    });
    expect(registry.admit(run, LIMITS)).toEqual({ ok: true });
    expect(registry.run(run.runId)).toMatchObject({
      ...run,
      state: "queued",
      ownerId: registry.ownerId,
      delivery: "none",
    });
  });

  test("the requester's active children are counted up to its limit, other requesters' are not", () => {
    const registry = openOwned(file());
    const limits = { maxChildren: 2, maxQueued: 100 };
    expect(registry.admit(newRun(), limits)).toEqual({ ok: true });
    expect(registry.admit(newRun(), limits)).toEqual({ ok: true });
    const refused = newRun();
    expect(registry.admit(refused, limits)).toEqual({ ok: false, reason: "children", active: 2, limit: 2 });
    expect(registry.run(refused.runId)).toBeUndefined();
    expect(registry.admit(newRun({ requesterSessionKey: "agent:main:other" }), limits)).toMatchObject({ ok: true });
  });

  test("a collected run is none of its requester's active children", () => {
    const registry = openOwned(file());
    const limits = { maxChildren: 1, maxQueued: 100 };
    for (const groupId of ["a", "b"]) registry.admit(newRun({ collect: true, groupId }), LIMITS);
    expect(registry.admit(newRun(), limits)).toEqual({ ok: true });
    expect(registry.admit(newRun(), limits)).toMatchObject({ ok: false, reason: "children", active: 1 });
  });

  test("a settled child gives its place back, but not while something below it is unsettled", () => {
    const registry = openOwned(file());
    const limits = { maxChildren: 1, maxQueued: 100 };
    const child = newRun();
    const grandchild = childOf(child);
    const greatGrandchild = childOf(grandchild);
    for (const run of [child, grandchild, greatGrandchild])
      expect(registry.admit(run, limits)).toMatchObject({ ok: true });
    registry.settle([settlementOf(child), settlementOf(grandchild)]);
    expect(registry.admit(newRun(), limits)).toMatchObject({ ok: false, reason: "children", active: 1 });
    registry.settle([settlementOf(greatGrandchild)]);
    expect(registry.admit(newRun(), limits)).toEqual({ ok: true });
  });

  test("a session that goes on under a new run id is one child", () => {
    const registry = openOwned(file());
    const first = newRun();
    registry.admit(first, LIMITS);
    expect(registry.admit(newRun({ childSessionKey: first.childSessionKey }), LIMITS)).toMatchObject({ ok: true });
    expect(registry.admit(newRun(), { maxChildren: 2, maxQueued: 100 })).toMatchObject({ ok: true });
  });

  test("runs in the lane are counted until they start or settle", () => {
    const registry = openOwned(file());
    const limits = { maxChildren: 100, maxQueued: 2 };
    const [a, b] = [newRun(), newRun()];
    registry.admit(a, limits);
    registry.admit(b, limits);
    expect(registry.admit(newRun(), limits)).toEqual({ ok: false, reason: "queue", queued: 2, limit: 2 });
    registry.setState(a.runId, "running", 1);
    expect(registry.admit(newRun(), limits)).toMatchObject({ ok: true });
    registry.settle([settlementOf(b)]);
    expect(registry.admit(newRun(), limits)).toMatchObject({ ok: true });
  });

  test("what a transaction that failed had let in takes no place", () => {
    const registry = openOwned(file());
    const limits = { maxChildren: 1, maxQueued: 1 };
    const failing = (): void =>
      registry.together(() => {
        expect(registry.admit(newRun(), limits)).toEqual({ ok: true });
        expect(registry.admit(newRun(), limits)).toMatchObject({ ok: false, reason: "children" });
        throw new Error("the disk is full");
      });
    expect(failing).toThrow("the disk is full");
    expect(registry.listRuns()).toEqual([]);
    expect(registry.admit(newRun(), limits)).toEqual({ ok: true });
  });

  test("one idempotency key of one requester stands for one run", () => {
    const registry = openOwned(file());
    const run = newRun({ idempotencyKey: "k" });
    registry.admit(run, LIMITS);
    registry.settle([settlementOf(run)]);
    expect(registry.admit(newRun({ idempotencyKey: "k" }), LIMITS)).toEqual({
      ok: false,
      reason: "duplicate",
      runId: run.runId,
    });
    expect(registry.findByIdempotencyKey(MAIN, "k")?.runId).toBe(run.runId);
    expect(registry.findByIdempotencyKey(MAIN, "other")).toBeUndefined();
    const elsewhere = newRun({ idempotencyKey: "k", requesterSessionKey: "agent:main:other" });
    expect(registry.admit(elsewhere, LIMITS)).toMatchObject({ ok: true });
  });

  test("a long task is kept up to 2,000 characters and never ends in half a character", () => {
    const registry = openOwned(file());
    const run = newRun({ task: "x".repeat(1_999) + "😀 and more" });
    registry.admit(run, LIMITS);
    expect(registry.run(run.runId)?.task).toBe("x".repeat(1_999));
  });

  test("nothing is admitted for a registry without an owner", () => {
    const registry = openForTest({ file: file() });
    expect(() => registry.admit(newRun(), LIMITS)).toThrow(/claimOwner/);
  });

  test("a session that is begun anew is no new child, and takes over what is below it", () => {
    const registry = openOwned(file());
    const limits = { maxChildren: 1, maxQueued: 1 };
    const parent = newRun();
    registry.admit(parent, LIMITS);
    const old = childOf(parent);
    const grandchildren = [childOf(old), childOf(old)];
    for (const run of [old, ...grandchildren]) registry.admit(run, LIMITS);
    const anew = childOf(parent, { childSessionKey: old.childSessionKey });
    registry.restart(anew, old.runId);
    registry.settle([settlementOf(old)]);
    expect(registry.run(parent.runId)?.pendingDescendants).toBe(3);
    expect(registry.run(anew.runId)).toMatchObject({ state: "queued", pendingDescendants: 2 });
    expect(registry.run(old.runId)).toMatchObject({ state: "settled", pendingDescendants: 0 });
    expect(registry.admit(childOf(parent), limits)).toMatchObject({ ok: false, reason: "children", active: 1 });
    registry.settle([settlementOf(grandchildren[0]!)]);
    expect(registry.run(anew.runId)?.pendingDescendants).toBe(1);
    registry.settle([settlementOf(grandchildren[1]!), settlementOf(anew)]);
    expect(registry.run(parent.runId)?.pendingDescendants).toBe(0);
    expect(registry.unsettledDescendants(MAIN)).toBe(1);
  });
});

test("a run that was begun anew in vain is as if that had never been", () => {
  const registry = openOwned(":memory:");
  const parent = newRun();
  registry.admit(parent, LIMITS);
  const old = childOf(parent);
  const grandchild = childOf(old);
  for (const run of [old, grandchild]) registry.admit(run, LIMITS);
  const anew = childOf(parent, { childSessionKey: old.childSessionKey });
  const before = [parent, old, grandchild].map(({ runId }) => registry.run(runId));
  registry.restart(anew, old.runId);
  registry.takeBack(anew, old.runId);
  expect([parent, old, grandchild].map(({ runId }) => registry.run(runId))).toEqual(before);
  expect(registry.run(anew.runId)).toBeUndefined();
  registry.settle([settlementOf(grandchild), settlementOf(old)]);
  expect(registry.run(parent.runId)?.pendingDescendants).toBe(0);
});

test("no interleaving of admitting, starting, waiting and settling overruns a limit, or refuses below it", () => {
  const step = fc.record({ what: fc.constantFrom("admit", "start", "wait", "settle"), at: fc.nat(), parent: fc.nat() });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 60, size: "max" }),
      (maxChildren, maxQueued, steps) => {
        const registry = openOwned(":memory:");
        const model = new Model();
        for (const { what, at, parent } of steps) {
          const target = model.runs.at(at % Math.max(1, model.runs.length));
          if (what === "admit") {
            const run = model.next(parent);
            const active = model.activeChildren(run.requesterSessionKey);
            const expected = active < maxChildren && model.queued() < maxQueued;
            expect(registry.admit(run, { maxChildren, maxQueued }).ok).toBe(expected);
            if (expected) model.runs.push({ run, state: "queued" });
          } else if (target !== undefined && what === "settle") {
            registry.settle([settlementOf(target.run)]);
            target.state = "settled";
          } else if (target !== undefined && what === "start" && ["queued", "waiting"].includes(target.state)) {
            registry.setState(target.run.runId, "running", 1);
            target.state = "running";
          } else if (target !== undefined && what === "wait" && target.state === "running") {
            registry.setState(target.run.runId, "waiting", 1);
            target.state = "waiting";
          }
        }
        for (const { run } of model.runs) {
          expect(registry.run(run.runId)?.pendingDescendants).toBe(model.unsettledBelow(run));
          expect(registry.unsettledDescendants(run.childSessionKey)).toBe(model.unsettledBelow(run));
        }
        expect(registry.unsettledDescendants(MAIN)).toBe(registry.countUnsettled());
        expect(registry.countUnsettled()).toBe(model.runs.filter((entry) => entry.state !== "settled").length);
      },
    ),
    { numRuns: 60 },
  );
});

test("admission and the counts stay on the small indices beside 10,000 settled rows", () => {
  const file = tempFile();
  const registry = openOwned(file);
  registry.admit(newRun(), LIMITS);
  const db = new (loadSqlite().DatabaseSync)(file);
  db.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
    INSERT INTO runs (runId, state, ownerId, childSessionKey, requesterSessionKey, rootSessionKey, sessionId, agentId, depth,
      role, workspaceDir, transcriptPath, cleanup, expectsCompletion, createdAt, endedAt, task)
    SELECT 'r' || i, 'settled', 'o', 'c' || i, '${MAIN}', '${MAIN}', 's', 'main', 1, 'leaf', '/w', '/t', 'keep', 1, 1, 2, 't' FROM n`);
  for (const analyzed of [false, true]) {
    if (analyzed) db.exec("ANALYZE");
    expect(planOf(db, COUNT_ACTIVE_CHILDREN)).toMatch(/SEARCH runs USING (COVERING )?INDEX runs_active_by_requester/);
    expect(planOf(db, "SELECT COUNT(*) FROM runs WHERE rootSessionKey = ? AND state <> 'settled'")).toMatch(
      /USING (COVERING )?INDEX runs_unsettled_by_tree/,
    );
  }
  db.close();
  expect(registry.admit(newRun(), { maxChildren: 2, maxQueued: 10 })).toEqual({ ok: true });
  expect(registry.countUnsettled()).toBe(2);
});

function planOf(db: DatabaseSync, sql: string): string {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(sql.includes("LIMIT") ? ["a", "b", 1] : ["a"]));
  return rows.map((row) => String(row["detail"])).join("\n");
}

/** The rule said the slow way: who is unsettled, and who has somebody unsettled below. */
class Model {
  readonly runs: { run: NewRun; state: string }[] = [];

  next(parent: number): NewRun {
    const above = this.runs.at(parent % (this.runs.length + 1));
    return above === undefined || parent % (this.runs.length + 1) === this.runs.length ? newRun() : childOf(above.run);
  }

  queued(): number {
    return this.runs.filter((entry) => entry.state === "queued").length;
  }

  activeChildren(requesterSessionKey: string): number {
    const children = this.runs.filter((entry) => entry.run.requesterSessionKey === requesterSessionKey);
    return children.filter((entry) => entry.state !== "settled" || this.unsettledBelow(entry.run) > 0).length;
  }

  unsettledBelow(run: NewRun): number {
    const children = this.runs.filter((entry) => entry.run.parentRunId === run.runId);
    return children.reduce(
      (sum, { run: child, state }) => sum + (state === "settled" ? 0 : 1) + this.unsettledBelow(child),
      0,
    );
  }
}
