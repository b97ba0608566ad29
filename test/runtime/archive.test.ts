import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { createLogger } from "../../src/log.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { keepArchiving } from "../../src/runtime/archive.ts";
import { UndecidedFolders } from "../../src/runtime/undecided-folders.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { LIMITS, newRun, settlementOf } from "../registry/fixtures/rows.ts";
import { closeAfterTest, MAIN, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

const MINUTE = 60_000;

it("a run's transcript is put away once archiveAfterMinutes are over, and can be read afterwards", async () => {
  const { parts, ended, stop } = archiving(30);
  const old = ended({}, 31);
  const young = ended({}, 29);
  const noted = ended({ attachmentsDir: filesIn(parts.folder), retainAttachments: true }, 31);
  stop(keepArchiving(parts));
  await expect.poll(() => parts.registry.run(noted.runId)!.archivedAt).toBeGreaterThan(0);
  for (const run of [old, noted]) {
    expect(filesOf(run)).toEqual([expect.stringMatching(/\.jsonl\.deleted\.\d{4}-[^:]*Z$/)]);
    expect(readFileSync(join(dirname(run.transcriptPath), filesOf(run)[0]!), "utf8")).toBe("said\n");
  }
  expect(filesOf(young)).toEqual([basename(young.transcriptPath)]);
  expect(parts.registry.run(young.runId)).not.toHaveProperty("archivedAt");
  expect(existsSync(noted.attachmentsDir!)).toBe(false);
});

it("is looked at from time to time, as long as it isn't stopped", async () => {
  const { parts, ended, stop } = archiving(1);
  const end = keepArchiving(parts, 10);
  stop(end);
  await sleep(30);
  const first = ended({}, 2);
  await expect.poll(() => filesOf(first)[0]).toMatch(/deleted/);
  end();
  await sleep(30);
  const second = ended({}, 2);
  await sleep(60);
  expect(filesOf(second)).toEqual([basename(second.transcriptPath)]);
});

it("the host takes its own entry of the session away, and is asked again until it could", async () => {
  const { parts, ended, stop } = archiving(1);
  const asked: string[] = [];
  parts.host.sessionPutAway = async ({ sessionKey, agentId, sessionId }) => {
    asked.push(`${sessionKey} ${agentId} ${sessionId}`);
    if (asked.length === 1) throw new Error("the store is locked");
  };
  const run = ended({}, 2);
  stop(keepArchiving(parts, 10));
  await expect.poll(() => parts.registry.run(run.runId)!.archivedAt).toBeGreaterThan(0);
  expect(asked).toEqual(new Array(2).fill(`${run.childSessionKey} ${run.agentId} ${run.sessionId}`));
  expect(filesOf(run)).toHaveLength(1);
});

it("0 puts nothing away, however long ago it ended; what a crash left of attachments goes all the same", async () => {
  const { parts, ended, stop } = archiving(0);
  const old = ended({}, 1_000_000);
  const holding = ended({ attachmentsDir: filesIn(parts.folder) }, 1);
  stop(keepArchiving(parts));
  await expect.poll(() => existsSync(holding.attachmentsDir!)).toBe(false);
  await expect.poll(() => parts.registry.run(holding.runId)).not.toHaveProperty("attachmentsDir");
  for (const run of [old, holding]) expect(filesOf(run)).toEqual([basename(run.transcriptPath)]);
});

it("one that isn't to be kept is put away though its process didn't get to it, whatever is archived besides", async () => {
  const { parts, ended, stop } = archiving(0);
  const unwanted = ended({ cleanup: "delete" }, 2);
  // Its process is about to.
  const justNow = ended({ cleanup: "delete" }, 0);
  const kept = ended({}, 2);
  stop(keepArchiving(parts));
  await expect.poll(() => parts.registry.run(unwanted.runId)!.archivedAt).toBeGreaterThan(0);
  expect(filesOf(unwanted)).toEqual([expect.stringMatching(/\.jsonl\.deleted\./)]);
  for (const run of [justNow, kept]) expect(filesOf(run)).toEqual([basename(run.transcriptPath)]);
});

it("a transcript that is gone is as good as put away, and a run of a gateway's has none here", async () => {
  const { parts, ended, stop } = archiving(1);
  const gone = ended({}, 2);
  rmSync(gone.transcriptPath);
  const elsewhere = ended({ transcriptPath: "gateway ws://127.0.0.1:1" }, 2);
  stop(keepArchiving(parts));
  for (const { runId } of [gone, elsewhere]) {
    await expect.poll(() => parts.registry.run(runId)!.archivedAt).toBeGreaterThan(0);
  }
});

it("goes on over a restart: what ended before the process did is put away by the next", async () => {
  const first = await startRuntime({ engine: "by-task" });
  const run = await first.start("echo hello");
  await first.settled(run.runId);
  await first.host.completionsCame(1);
  await expect.poll(() => first.runtime.stats().outbox.pending).toBe(0);
  await first.close();
  const registry = openRegistry({ file: join(first.stateDir, "registry.sqlite") });
  registry.claimOwner();
  const { transcriptPath } = registry.run(run.runId)!;
  // As if it had been started, and had ended, two hours ago.
  const stale = newRun({ transcriptPath, requesterSessionKey: MAIN });
  registry.admit(stale, LIMITS);
  settle(registry, stale, 120);
  await registry.close();
  const next = await startRuntime({ engine: "by-task", stateDir: first.stateDir });
  await expect.poll(() => existsSync(transcriptPath)).toBe(false);
  const { messages } = await next.runtime.history(run.childSessionKey, next.requester);
  expect(JSON.stringify(messages)).toContain("echo hello");
});

function archiving(archiveAfterMinutes: number) {
  const folder = tempFolder();
  const registry = openRegistry({ file: ":memory:" });
  registry.claimOwner();
  const config = parseConfig({ agents: { defaults: { subagents: { archiveAfterMinutes } } } });
  const parts = {
    config,
    host: new RecordingHost(folder),
    registry,
    logger: createLogger(),
    undecided: new UndecidedFolders(join(folder, "u")),
    folder,
  };
  const stops: (() => void)[] = [];
  closeAfterTest(async () => {
    for (const stop of stops) stop();
    await sleep(20);
    await registry.close();
  });
  return {
    parts,
    stop: (stop: () => void) => stops.push(stop),
    ended: (changes: Partial<NewRun>, minutesAgo: number) => endedRun(registry, folder, changes, minutesAgo),
  };
}

function endedRun(registry: Registry, folder: string, changes: Partial<NewRun>, minutesAgo: number): NewRun {
  const plain = newRun();
  const run = { ...plain, transcriptPath: join(folder, "main", `${plain.runId}.jsonl`), ...changes };
  if (run.transcriptPath.startsWith(folder)) {
    mkdirSync(dirname(run.transcriptPath), { recursive: true });
    writeFileSync(run.transcriptPath, "said\n");
  }
  registry.admit(run, LIMITS);
  settle(registry, run, minutesAgo);
  return run;
}

/** Owing nothing. */
function settle(registry: Registry, run: NewRun, minutesAgo: number): void {
  const { completion: _owed, ...settlement } = settlementOf(run, { at: Date.now() - minutesAgo * MINUTE });
  registry.settle([settlement]);
}

function filesIn(folder: string): string {
  const dir = join(folder, ".openclaw", "attachments", "6b1d9c2e-0000-4000-8000-000000000000");
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, "a.txt"), "a");
  return dir;
}

function filesOf({ transcriptPath }: NewRun): string[] {
  return readdirSync(dirname(transcriptPath)).filter((name) => name.startsWith(basename(transcriptPath)));
}
