import { describe, expect, test } from "vitest";

import type { NewRun } from "../../src/registry/run-row.ts";
import { childOf, KEPT, LIMITS, MAIN, newRun, settlementOf } from "./fixtures/rows.ts";
import { openOwned, STORES } from "./support.ts";

describe.each(STORES)("a target in $name", ({ file }) => {
  const runs = [
    newRun({ runId: "aaaa-aaaa-1", label: "read" }),
    newRun({ runId: "aaaa-aaab-2", label: "read the docs" }),
    newRun({ runId: "bbbb-bbbb-3", label: "count" }),
    newRun({ runId: "cccc-cccc-4", label: "count" }),
    newRun({ runId: "dddd-dddd-5", label: "twice" }),
    newRun({ runId: "eeee-eeee-6", label: "twice" }),
    newRun({ runId: "ffff-ffff-7", label: "other", taskName: "review_docs" }),
    newRun({ runId: "gggg-gggg-8", label: "review_docs" }),
    newRun({ runId: "hhhh-hhhh-9", taskName: "lint-1" }),
    newRun({ runId: "iiii-iiii-0", taskName: "lint-2" }),
  ];
  const session = runs[2]!.childSessionKey;

  test.each([
    ["a run id", "aaaa-aaaa-1", "aaaa-aaaa-1"],
    ["the first 8 characters of one", "cccc-ccc", "cccc-cccc-4"],
    ["a session key", session, "bbbb-bbbb-3"],
    ["an exact label before longer ones", "read", "aaaa-aaaa-1"],
    ["the beginning of a label", "read t", "aaaa-aaab-2"],
    ["space around it", "  aaaa-aaaa-1 ", "aaaa-aaaa-1"],
    ["the only one at work of several", "count", "cccc-cccc-4"],
    ["a task name before a label", "review_docs", "ffff-ffff-7"],
    ["the beginning of a task name", "lint-1", "hhhh-hhhh-9"],
  ])("is taken by %s", (_name, target, runId) => {
    expect(find(target)).toMatchObject({ found: { runId } });
  });

  test("several that fit are named as ambiguous", () => {
    expect(find("aaaa-aaa")).toMatchObject({
      error: "ambiguous",
      candidates: [{ runId: "aaaa-aaaa-1" }, { runId: "aaaa-aaab-2" }],
    });
    expect(find("twice")).toMatchObject({ error: "ambiguous", whole: true });
    expect(find("lint")).toMatchObject({ candidates: [{ runId: "hhhh-hhhh-9" }, { runId: "iiii-iiii-0" }] });
  });

  test.each(["nothing like it", "", "%", "aaaa_aaaa_1", "d", "dddd-dd"])("%j is not found", (target) => {
    expect(find(target)).toEqual({ error: "not_found" });
  });

  test("another requester's child is not found", () => {
    expect(find("aaaa-aaaa-1", "agent:main:other")).toEqual({ error: "not_found" });
  });

  function find(target: string, requesterSessionKey = MAIN) {
    const registry = openOwned(file());
    for (const run of runs) registry.admit(run, LIMITS);
    registry.settle([settlementOf(runs[2]!)]);
    return registry.resolve(requesterSessionKey, target);
  }
});

describe("a name that is used again", () => {
  test.each(["Friend", "friend", "Fri"])("(%s) means the session that stays, idle, and no ended one", (name) => {
    const ended = named();
    const idle = named({ mode: "session", kept: KEPT });
    expect(resolve(name, [ended, idle])).toMatchObject({ found: { runId: idle.runId } });
    expect(resolve(name, [idle, ended])).toMatchObject({ found: { runId: idle.runId } });
  });

  test("is ambiguous between two that live: one at work and one that stays", () => {
    const [atWork, idle] = [named(), named({ mode: "session", kept: KEPT })];
    expect(resolve("Friend", [atWork, idle], [atWork])).toMatchObject({ candidates: [atWork, idle].map(idOf) });
  });

  test("means one whose children are at work before an ended one", () => {
    const [waiting, ended] = [named(), named()];
    const below = childOf(waiting);
    expect(resolve("Friend", [waiting, ended, below], [below])).toMatchObject({ found: idOf(waiting) });
  });

  test("means the newest when all have ended; what several begin with stays ambiguous", () => {
    const [older, newer] = [named(), named()];
    expect(resolve("Friend", [older, newer])).toMatchObject({ found: idOf(newer), whole: true });
    expect(resolve("friend", [older, newer])).toMatchObject({ found: idOf(newer) });
    expect(resolve("Fr", [older, newer])).toMatchObject({ error: "ambiguous", candidates: [older, newer].map(idOf) });
  });

  test("as a label means the child at work, though an ended one had it as its task name", () => {
    const [ended, atWork] = [newRun({ taskName: "friend" }), newRun({ label: "friend" })];
    expect(resolve("friend", [ended, atWork], [atWork])).toMatchObject({ found: idOf(atWork) });
  });

  test("as the beginning of a label comes before the run id of one that has ended", () => {
    const ended = newRun({ runId: "deadbeef-1" });
    const atWork = newRun({ label: "deadbeef hunt" });
    expect(resolve("deadbeef", [ended, atWork], [atWork])).toMatchObject({ found: idOf(atWork) });
    expect(resolve("deadbeef-1", [ended, atWork], [atWork])).toMatchObject({ found: idOf(ended) });
  });

  test("is no reason to take a whole name for the beginning of another's", () => {
    const [ended, atWork] = [newRun({ label: "Helper" }), newRun({ label: "Helper two" })];
    expect(resolve("Helper", [ended, atWork], [atWork])).toMatchObject({ found: idOf(ended) });
  });
});

function named(more: Partial<NewRun> = {}): NewRun {
  return newRun({ label: "Friend", taskName: "friend", ...more });
}

/** @param atWork of the runs; the others have ended */
function resolve(target: string, runs: NewRun[], atWork: NewRun[] = []) {
  const registry = openOwned(":memory:");
  for (const run of runs) registry.admit(run, LIMITS);
  registry.settle(runs.filter((run) => !atWork.includes(run)).map((run) => settlementOf(run)));
  return registry.resolve(MAIN, target);
}

function idOf({ runId }: NewRun) {
  return { runId };
}
