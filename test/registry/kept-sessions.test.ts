import { beforeEach, expect, it } from "vitest";

import type { Registry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { childOf, KEPT, LIMITS, MAIN, newRun, settlementOf } from "./fixtures/rows.ts";
import { interruptedCompletion, NO_SUCH_PID, openOwned, tempFile } from "./support.ts";

let registry: Registry;
let file: string;
beforeEach(() => {
  file = tempFile();
  registry = openOwned(file);
});

it("is gone on with by one run at a time, whichever process begins it, and stands in the newest", () => {
  const first = admitted(staying());
  const again = followUp(first);
  expect(registry.admit(again, LIMITS)).toEqual({ ok: false, reason: "session", ended: false });
  settle(first);
  expect(registry.run(first.runId)!.kept).toEqual(KEPT);
  admitted(again);
  expect(registry.run(first.runId)).not.toHaveProperty("kept");
  expect(registry.run(again.runId)!.kept).toEqual(KEPT);
  const beside = openOwned(file);
  expect(beside.admit(followUp(first), LIMITS)).toEqual({ ok: false, reason: "session", ended: false });
  settle(again);
  expect(beside.admit(followUp(first), LIMITS)).toEqual({ ok: true });
});

it("isn't gone on with once it was ended, at work or idle", () => {
  for (const whenSettled of [true, false]) {
    const first = admitted(staying());
    if (whenSettled) settle(first);
    registry.endSessions([first.childSessionKey, "agent:main:subagent:unknown"]);
    if (!whenSettled) settle(first);
    expect(registry.admit(followUp(first), LIMITS)).toEqual({ ok: false, reason: "session", ended: true });
    expect(registry.run(first.runId)).toMatchObject({ state: "settled", mode: "session" });
  }
});

it("stays when the process that was at work in it has died", () => {
  const dead = openOwned(file, { pid: NO_SUCH_PID });
  const first = staying();
  expect(dead.admit(first, LIMITS)).toEqual({ ok: true });
  expect(registry.admit(followUp(first), LIMITS)).toMatchObject({ reason: "session", ended: false });
  expect(registry.takeOverDead(Date.now(), interruptedCompletion)).toMatchObject([{ runId: first.runId, kept: KEPT }]);
  admitted(followUp(first));
});

it("has earlier runs forgotten in time, though it holds attachments that its newest run has, too", () => {
  const attachmentsDir = "/workspace/.openclaw/attachments/6b1d9c2e-0000-4000-8000-000000000000";
  const first = admitted(staying({ attachmentsDir }));
  settle(first);
  const again = admitted({ ...followUp(first), attachmentsDir });
  settle(again);
  expect(registry.archive.leftAttachments(9)).toEqual([]);
  registry.purgeOlderThan(0, Date.now() + 60_000);
  expect(registry.run(first.runId)).toBeUndefined();
  registry.endSessions([first.childSessionKey]);
  registry.purgeOlderThan(0, Date.now() + 60_000);
  expect(registry.archive.leftAttachments(9)).toMatchObject([{ runId: again.runId, attachmentsDir }]);
});

it("is looked up beside what is active, however long it is idle", () => {
  const run = admitted(staying());
  const plain = admitted(newRun());
  const below = admitted(childOf(run, { mode: "session", kept: KEPT }));
  for (const one of [below, run, plain]) settle(one);
  const since = Number.MAX_SAFE_INTEGER;
  const ids = (kept: boolean) => registry.childrenOf(MAIN, { since, kept }).map(({ runId }) => runId);
  expect(ids(true)).toEqual([run.runId]);
  expect(ids(false)).toEqual([]);
  const all = registry.descendantsOf(MAIN, { since, kept: true });
  expect(all.map(({ runId }) => runId)).toEqual([run.runId, below.runId]);
});

it("is one child of its requester's, and none while it is idle", () => {
  const first = admitted(staying());
  const limits = { ...LIMITS, maxChildren: 1 };
  settle(first);
  const other = admitted(newRun(), limits);
  expect(registry.admit(followUp(first), limits)).toMatchObject({ ok: false, reason: "children", active: 1 });
  settle(other);
  admitted(followUp(first), limits);
  expect(registry.admit(newRun(), limits)).toMatchObject({ ok: false, reason: "children", active: 1 });
});

it("hands over to its next run what is at work below it, which isn't one more child then", () => {
  const above = admitted(staying({ role: "orchestrator" }));
  const first = admitted(childOf(above, { mode: "session", kept: KEPT }));
  const below = admitted(childOf(first));
  settle(first);
  settle(above);
  expect(pending(above, first)).toEqual([1, 1]);
  // Both go on, the upper one first.
  const aboveAgain = admitted(followUp(above), { ...LIMITS, maxChildren: 1 });
  expect(pending(above, aboveAgain, first)).toEqual([0, 1, 1]);
  const again = admitted({ ...followUp(first), parentRunId: aboveAgain.runId }, { ...LIMITS, maxChildren: 1 });
  expect(pending(aboveAgain, first, again)).toEqual([2, 0, 1]);
  expect(registry.run(below.runId)!.parentRunId).toBe(again.runId);
  settle(below);
  settle(again);
  expect(pending(above, aboveAgain, first, again)).toEqual([0, 0, 0, 0]);
});

it("whose requester has gone on as another run is counted above that one", () => {
  const above = admitted(staying());
  const first = admitted(childOf(above, { mode: "session", kept: KEPT }));
  settle(first);
  settle(above);
  const aboveAgain = admitted(followUp(above));
  const again = admitted({ ...followUp(first), parentRunId: aboveAgain.runId });
  expect(pending(above, aboveAgain)).toEqual([0, 1]);
  settle(again);
  expect(pending(above, aboveAgain)).toEqual([0, 0]);
});

it("is begun anew with the same standing", () => {
  const first = admitted(staying());
  const again = followUp(first);
  registry.restart(again, first.runId);
  expect(registry.run(first.runId)).not.toHaveProperty("kept");
  expect(registry.run(again.runId)!.kept).toEqual(KEPT);
});

it("is put away and forgotten in time only when it was ended; a run of it that another stands for, before", () => {
  const first = admitted(staying());
  settle(first);
  const again = admitted(followUp(first));
  settle(again);
  const due = () => registry.archive.due(9_999, 10).map(({ runId }) => runId);
  expect(due()).toEqual([]);
  registry.purgeOlderThan(1_000, 9_999, true);
  expect([first, again].map(({ runId }) => registry.run(runId) !== undefined)).toEqual([false, true]);
  registry.endSessions([first.childSessionKey]);
  expect(due()).toEqual([again.runId]);
  registry.purgeOlderThan(1_000, 9_999, true);
  expect(registry.run(again.runId)).toBeDefined();
  registry.archive.archived(again.runId, 3_000);
  registry.purgeOlderThan(1_000, 9_999, true);
  expect(registry.run(again.runId)).toBeUndefined();
});

function staying(changes: Partial<NewRun> = {}): NewRun {
  return newRun({ mode: "session", kept: KEPT, ...changes });
}

/** Another run in its session. */
function followUp(before: NewRun): NewRun {
  return { ...before, runId: newRun().runId, task: "more" };
}

function admitted(run: NewRun, limits = LIMITS): NewRun {
  expect(registry.admit(run, limits)).toEqual({ ok: true });
  return run;
}

/** Owing nothing. */
function settle(run: NewRun): void {
  const { completion: _owed, ...settlement } = settlementOf(run, { at: 2_000 });
  registry.settle([settlement]);
}

function pending(...runs: NewRun[]): number[] {
  return runs.map(({ runId }) => registry.run(runId)!.pendingDescendants);
}
