import { describe, expect, test } from "vitest";

import { childOf, LIMITS, MAIN, newRun, settlementOf } from "./fixtures/rows.ts";
import { openOwned, STORES } from "./support.ts";

describe.each(STORES)("looking at runs in $name", ({ file }) => {
  test("children are the active ones and those that ended lately, oldest first, without their answers", () => {
    const registry = openOwned(file());
    const [ended, recent, busy, active] = [newRun(), newRun(), newRun(), newRun()];
    const below = childOf(busy);
    for (const run of [ended, recent, busy, active, below]) registry.admit(run, LIMITS);
    registry.settle([
      settlementOf(ended, { at: 100 }),
      settlementOf(recent, { at: 200 }),
      settlementOf(busy, { at: 100 }),
    ]);
    const children = registry.childrenOf(MAIN, { since: 200 });
    expect(children.map((run) => run.runId)).toEqual([recent.runId, busy.runId, active.runId]);
    expect(children[1]?.pendingDescendants).toBe(1);
    expect(children[0]).not.toHaveProperty("text");
    expect(registry.childrenOf(MAIN)).toHaveLength(4);
    expect(registry.unsettledChildren(MAIN).map((run) => run.runId)).toEqual([active.runId]);
  });

  test("descendants are counted at every depth, from any session of the tree", () => {
    const registry = openOwned(file());
    const child = newRun();
    const grandchild = childOf(child);
    for (const run of [child, grandchild, childOf(grandchild), childOf(grandchild)]) registry.admit(run, LIMITS);
    expect(registry.unsettledDescendants(MAIN)).toBe(4);
    expect(registry.unsettledDescendants(child.childSessionKey)).toBe(3);
    expect(registry.unsettledDescendants(grandchild.childSessionKey)).toBe(2);
    registry.settle([settlementOf(grandchild)]);
    expect(registry.unsettledDescendants(child.childSessionKey)).toBe(2);
    expect(registry.unsettledDescendants("agent:main:nobody")).toBe(0);
  });

  test("all below a session are listed, at any depth, and nobody else's", () => {
    const registry = openOwned(file());
    const child = newRun();
    const grandchild = childOf(child);
    const ended = childOf(child);
    const others = newRun({ requesterSessionKey: "agent:main:other" });
    for (const run of [child, grandchild, ended, others]) registry.admit(run, LIMITS);
    registry.settle([settlementOf(ended, { at: 100 })]);
    const below = (sessionKey: string, since = 0) =>
      registry.descendantsOf(sessionKey, { since }).map((run) => run.runId);
    expect(below(MAIN)).toEqual([child.runId, grandchild.runId, ended.runId]);
    expect(below(MAIN, 200)).toEqual([child.runId, grandchild.runId]);
    expect(below(child.childSessionKey)).toEqual([grandchild.runId, ended.runId]);
    expect(below(grandchild.childSessionKey)).toEqual([]);
  });

  test("a session that was begun anew is one child under any of its names", () => {
    const registry = openOwned(file());
    const old = newRun({ label: "Reviewer" });
    const anew = newRun({ label: "Reviewer", childSessionKey: old.childSessionKey });
    registry.admit(old, LIMITS);
    registry.restart(anew, old.runId);
    registry.settle([settlementOf(old), settlementOf(anew)]);
    for (const name of ["Reviewer", "Rev", old.childSessionKey]) {
      expect(registry.resolve(MAIN, name)).toMatchObject({ found: { runId: anew.runId } });
    }
    expect(registry.resolve(MAIN, old.runId)).toMatchObject({ found: { runId: old.runId } });
  });

  test("a session is found by its newest run", () => {
    const registry = openOwned(file());
    const first = newRun();
    const second = newRun({ childSessionKey: first.childSessionKey });
    registry.admit(first, LIMITS);
    registry.admit(second, LIMITS);
    expect(registry.byChildSession(first.childSessionKey)?.runId).toBe(second.runId);
    expect(registry.byChildSession("agent:main:nobody")).toBeUndefined();
  });

  test("the list for a look is newest first, by state, and bounded", () => {
    const registry = openOwned(file());
    const runs = [newRun(), newRun(), newRun()];
    for (const run of runs) registry.admit(run, LIMITS);
    registry.settle([settlementOf(runs[1]!)]);
    expect(registry.listRuns().map((run) => run.runId)).toEqual(runs.map((run) => run.runId).reverse());
    expect(registry.listRuns({ states: ["settled"] }).map((run) => run.runId)).toEqual([runs[1]!.runId]);
    expect(registry.listRuns({ states: ["queued", "running"], limit: 1 }).map((run) => run.runId)).toEqual([
      runs[2]!.runId,
    ]);
    expect(registry.countUnsettled()).toBe(2);
  });
});
