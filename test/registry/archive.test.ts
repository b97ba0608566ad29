import { beforeEach, expect, it } from "vitest";

import type { Registry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import type { Settlement } from "../../src/registry/settlement.ts";
import { childOf, KEPT, LIMITS, newRun, settlementOf } from "./fixtures/rows.ts";
import { openOwned, tempFile } from "./support.ts";

let registry: Registry;
beforeEach(() => {
  registry = openOwned(tempFile());
});

it("due are runs that ended before the time, oldest first and no more than asked for", () => {
  const late = ended({}, 3_000);
  const early = ended({}, 1_000);
  const middle = ended({}, 2_000);
  expect(due(2_001)).toEqual([early, middle]);
  expect(registry.archive.due(9_999, 2).map((row) => row.runId)).toEqual([early, middle]);
  registry.archive.archived(early, 5_000);
  expect(due(9_999)).toEqual([middle, late]);
  expect(registry.run(early)!.archivedAt).toBe(5_000);
});

it("not due is what is at work, what has children at work, what is still to be told, and a session that stays", () => {
  admit(newRun());
  const above = newRun({ role: "orchestrator" });
  admit(above);
  admit(childOf(above));
  registry.settle([silent(above)]);
  ended(STAYS);
  const owing = newRun();
  admit(owing);
  registry.settle([settlementOf(owing)]);
  expect(due(9_999)).toEqual([]);
  registry.outbox.markDelivered([settlementOf(owing).completion!.key], 3_000);
  expect(due(9_999)).toEqual([owing.runId]);
});

it("a session that was begun anew isn't due before its last run is", () => {
  const first = newRun();
  admit(first);
  const again = { ...first, runId: "again" };
  registry.restart(again, first.runId);
  registry.settle([silent(first, 1_000)]);
  expect(due(9_999)).toEqual([]);
  registry.settle([silent(again, 2_000)]);
  expect(due(2_000)).toEqual([]);
  expect(due(2_001)).toEqual([first.runId, "again"]);
});

it("unwanted is what isn't to be kept, from a moment after its end, and at once when its process is gone", async () => {
  const file = tempFile();
  registry = openOwned(file);
  const unwanted = (before: number): string[] => registry.archive.unwanted(before, 10).map((row) => row.runId);
  ended({}, 1_000);
  const first = ended({ cleanup: "delete" }, 2_000);
  const owing = newRun({ cleanup: "delete" });
  admit(owing);
  registry.settle([settlementOf(owing, { at: 1_000 })]);
  expect(unwanted(2_000)).toEqual([]);
  expect(unwanted(2_001)).toEqual([first]);
  registry.outbox.markDelivered([settlementOf(owing).completion!.key], 3_000);
  expect(unwanted(2_001)).toEqual([owing.runId, first]);
  registry.archive.archived(owing.runId, 3_000);
  const again = newRun({ cleanup: "delete" });
  admit(again);
  registry.settle([silent(again, 2_000)]);
  registry.restart({ ...again, runId: "again" }, again.runId);
  expect(unwanted(2_001)).toEqual([first]);
  await registry.close();
  registry = openOwned(file);
  expect(unwanted(0)).toContain(first);
});

it("attachments of a session go together, once nobody works in it, and retained ones aren't asked for", () => {
  ended({ attachmentsDir: "/kept", retainAttachments: true });
  const first = newRun({ attachmentsDir: "/files" });
  admit(first);
  registry.restart({ ...first, runId: "again" }, first.runId);
  registry.settle([silent(first)]);
  expect(registry.archive.leftAttachments(10)).toEqual([]);
  registry.settle([silent({ ...first, runId: "again" })]);
  expect(registry.archive.leftAttachments(10).map((row) => row.runId)).toEqual([first.runId, "again"]);
  // Put away is only what has nothing left to remove.
  registry.archive.archived(first.runId, 5_000);
  expect(registry.run(first.runId)).not.toHaveProperty("archivedAt");
  expect(registry.archive.holdsAttachments("/files")).toBe(true);
  registry.archive.attachmentsRemoved("/files");
  expect(registry.archive.holdsAttachments("/files")).toBe(false);
  expect(registry.archive.leftAttachments(10)).toEqual([]);
  registry.archive.archived(first.runId, 5_000);
  expect(registry.run(first.runId)).toMatchObject({ archivedAt: 5_000 });
});

it("nothing is forgotten that is still to be put away, while anything is", () => {
  const archived = ended();
  registry.archive.archived(archived, 3_000);
  const session = ended(STAYS);
  const unarchived = ended();
  const holding = ended({ attachmentsDir: "/files" });
  const kept = ended({ attachmentsDir: "/kept", retainAttachments: true });
  registry.purgeOlderThan(1_000, 9_999, true);
  expect(left([archived, session, unarchived, holding, kept])).toEqual([session, unarchived, holding, kept]);
  registry.purgeOlderThan(1_000, 9_999);
  expect(left([session, unarchived, holding, kept])).toEqual([session, holding]);
});

const STAYS = { mode: "session" as const, kept: KEPT };

function admit(run: NewRun): void {
  expect(registry.admit(run, LIMITS)).toMatchObject({ ok: true });
}

function silent(run: NewRun, at = 2_000): Settlement {
  const { completion: _owed, ...settlement } = settlementOf(run, { at });
  return settlement;
}

/** Settled, and owing nothing. */
function ended(changes: Partial<NewRun> = {}, at = 2_000): string {
  const run = newRun(changes);
  admit(run);
  registry.settle([silent(run, at)]);
  return run.runId;
}

function due(before: number): string[] {
  return registry.archive.due(before, 100).map((row) => row.runId);
}

function left(runIds: string[]): string[] {
  return runIds.filter((runId) => registry.run(runId) !== undefined);
}
