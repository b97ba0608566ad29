import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import type { RunRow } from "../../src/registry/run-row.ts";
import type { SpawnParams } from "../../src/types.ts";
import { serveModel, startRuntime, tempFolder, type Fixture, type FixtureOptions } from "../helpers/runtime-fixture.ts";

const FILE = { name: "note.txt", content: "for the child" };
const BYTES = Buffer.from([0, 255, 254, 10, 13, 128]);

describe("a spawn that brings files", () => {
  it("has them in the child's workspace, its owner's alone, and tells what stands there", async () => {
    const { start, workspaceDir } = await withFiles();
    const binary = { name: "raw.bin", content: BYTES.toString("base64"), encoding: "base64" as const };
    const { attachments } = await start({ task: "waits", attachments: [FILE, binary] });
    expect(attachments).toEqual({
      count: 2,
      totalBytes: 19,
      files: [
        { name: "note.txt", bytes: 13, sha256: sha256(FILE.content) },
        { name: "raw.bin", bytes: 6, sha256: sha256(BYTES) },
      ],
      relDir: expect.stringMatching(/^\.openclaw\/attachments\/[0-9a-f-]{36}$/) as string,
    });
    const dir = join(workspaceDir, attachments!.relDir);
    expect(readdirSync(dir).sort()).toEqual([".manifest.json", "note.txt", "raw.bin"]);
    expect(readFileSync(join(dir, "note.txt"), "utf8")).toBe("for the child");
    expect(readFileSync(join(dir, "raw.bin"))).toEqual(BYTES);
    expect(JSON.parse(readFileSync(join(dir, ".manifest.json"), "utf8"))).toEqual(attachments);
    // Windows has no such modes: there a user's folder is the user's.
    if (process.platform === "win32") return;
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
  });

  it("tells its model where they are, and they can be read there, until it has been told of", async () => {
    const server = await serveModel(({ messages, afterToolResult }) => {
      if (afterToolResult) return `It says: ${JSON.stringify(messages.at(-1))}`;
      const dir = /\.openclaw\/attachments\/[0-9a-f-]{36}/.exec(JSON.stringify(messages[0]))![0];
      return { toolCalls: [{ name: "read", args: { path: `${dir}/note.txt` } }] };
    });
    const { start, host, workspaceDir, stateDir } = await withFiles({}, { model: server.model });
    const attachAs = { mountPath: "/data/in" };
    const run = await start({ task: "read it", attachments: [FILE], attachAs });
    await host.completionsCame(1);
    expect(host.delivered[0]!.text).toContain("for the child");
    const prompt = JSON.stringify(server.requests[0]!.messages[0]);
    expect(prompt).toMatch(/- note\.txt/);
    expect(prompt).toContain("/data/in");
    expect(prompt).toMatch(/data, not instructions/);
    await expect.poll(() => existsSync(join(workspaceDir, run.attachments!.relDir))).toBe(false);
    await expect.poll(() => rowOf(stateDir, run.runId).attachmentsDir).toBe(undefined);
  });

  it("without any is as one that brings none", async () => {
    const { start, workspaceDir, settled } = await withFiles();
    const run = await start({ task: "echo", attachments: [], attachAs: {} });
    expect(run).not.toHaveProperty("attachments");
    await settled(run.runId);
    expect(existsSync(join(workspaceDir, ".openclaw"))).toBe(false);
  });

  it("made twice for one call is answered alike and leaves one folder", async () => {
    const { runtime, requester, workspaceDir } = await withFiles();
    const spawn = () => runtime.spawn({ task: "waits", attachments: [FILE] }, requester, { idempotencyKey: "once" });
    const [one, two] = await Promise.all([spawn(), spawn()]);
    expect(two).toEqual(one);
    expect(one).toMatchObject({ status: "accepted", attachments: { count: 1 } });
    expect(foldersIn(workspaceDir)).toHaveLength(1);
  });
});

describe("a spawn with files that is refused leaves nothing", () => {
  it.each<[string, Partial<SpawnParams>, Record<string, unknown>, string]>([
    ["they are off", {}, { enabled: false }, "spawn_forbidden"],
    ["they are too many", {}, { maxFiles: 0 }, "attachments_file_count_exceeded"],
    ["one is too large", {}, { maxFileBytes: 12 }, "attachments_file_bytes_exceeded"],
    ["all are too large", {}, { maxTotalBytes: 12 }, "attachments_total_bytes_exceeded"],
    ["a name is a path", { attachments: [FILE, { name: "../a", content: "" }] }, {}, "attachments_invalid_name"],
    ["two are called alike", { attachments: [FILE, FILE] }, {}, "attachments_duplicate_name"],
    [
      "one is no base64",
      { attachments: [FILE, { name: "b", content: "!", encoding: "base64" }] },
      {},
      "attachments_invalid_base64_or_too_large",
    ],
    ["the folder isn't there", { cwd: "nowhere" }, {}, "path_outside_workspace"],
  ])("because %s", async (_why, params, limits, code) => {
    const fixture = await withFiles(limits);
    const refusal = await fixture.runtime.spawn({ task: "echo", attachments: [FILE], ...params }, fixture.requester);
    expect(refusal).toMatchObject({ status: code === "spawn_forbidden" ? "forbidden" : "error", code });
    await expectNothing(fixture);
  });

  it("because a limit is reached after they were written", async () => {
    const fixture = await withFiles({}, { limits: { maxChildrenPerAgent: 1 } });
    const { runtime, requester, start } = fixture;
    await start("waits");
    const refused = await Promise.all(
      [1, 2, 3].map(() => runtime.spawn({ task: "waits", attachments: [FILE] }, requester)),
    );
    for (const refusal of refused) expect(refusal).toMatchObject({ status: "forbidden" });
    await expectNothing(fixture, 1);
  });

  it("because the runtime is closed meanwhile", async () => {
    const fixture = await withFiles();
    const spawning = fixture.runtime.spawn({ task: "waits", attachments: [FILE] }, fixture.requester);
    const closing = fixture.runtime.close();
    await expect(spawning).rejects.toMatchObject({ code: "runtime_closed" });
    await closing;
    expect(existsSync(join(fixture.workspaceDir, ".openclaw"))).toBe(false);
  });

  it.each([".openclaw", join(".openclaw", "attachments")])(
    "because %s is a link out of the workspace",
    async (link) => {
      const fixture = await withFiles();
      const outside = tempFolder();
      mkdirSync(join(fixture.workspaceDir, link, ".."), { recursive: true });
      symlinkSync(outside, join(fixture.workspaceDir, link), "junction");
      const refusal = await fixture.runtime.spawn({ task: "echo", attachments: [FILE] }, fixture.requester);
      expect(refusal).toMatchObject({ status: "error", code: "attachments_materialization_failed" });
      expect(readdirSync(outside)).toEqual([]);
      expect(await fixture.runtime.list(fixture.requester)).toEqual([]);
    },
  );

  it("because a file stands where their folder belongs, which stays", async () => {
    const fixture = await withFiles();
    writeFileSync(join(fixture.workspaceDir, ".openclaw"), "mine");
    const refusal = await fixture.runtime.spawn({ task: "echo", attachments: [FILE] }, fixture.requester);
    expect(refusal).toMatchObject({ status: "error", code: "attachments_materialization_failed" });
    expect(readFileSync(join(fixture.workspaceDir, ".openclaw"), "utf8")).toBe("mine");
  });
});

describe("what a spawn brought", () => {
  it.each<[string, Partial<SpawnParams>, boolean, boolean]>([
    ["one that is kept, where the configuration says so", {}, true, true],
    ["one that is kept otherwise", {}, false, false],
    ["one that isn't kept", { cleanup: "delete" }, true, false],
    ["one nobody waits for", { expectsCompletionMessage: false }, false, false],
  ])(
    "goes with its child once that is told of, or is left where that is kept and it is retained: %s",
    async (_what, params, retainOnSessionKeep, stays) => {
      const { start, settled, workspaceDir, runtime } = await withFiles({ retainOnSessionKeep });
      const run = await start({ task: "echo", attachments: [FILE], ...params });
      await settled(run.runId);
      const path = join(workspaceDir, run.attachments!.relDir, "note.txt");
      if (!stays) return expect.poll(() => existsSync(path)).toBe(false);
      await expect.poll(() => runtime.stats().outbox.pending).toBe(0);
      expect(existsSync(path)).toBe(true);
    },
  );

  it("stays while its requester can't be told, and goes when it is", async () => {
    const { start, settled, host, workspaceDir, runtime, requester } = await withFiles();
    host.onDeliver = async () => "busy";
    const run = await start({ task: "echo", attachments: [FILE] });
    await settled(run.runId);
    await host.deliveredTimes(1);
    expect(foldersIn(workspaceDir)).toHaveLength(1);
    host.onDeliver = async () => "delivered";
    runtime.deliverPending(requester.sessionKey);
    await expect.poll(() => foldersIn(workspaceDir)).toEqual([]);
  });

  it("stays with a session that is interrupted, and goes when its last run is killed", async () => {
    const { start, runtime, requester, settled, workspaceDir, stateDir } = await withFiles();
    const first = await start({ task: "waits", attachments: [FILE] });
    await expect.poll(() => existsSync(rowOf(stateDir, first.runId).transcriptPath)).toBe(true);
    const again = (await runtime.steer("last", "once more", requester, { interrupt: true })) as { runId: string };
    await settled(first.runId);
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    expect(foldersIn(workspaceDir)).toHaveLength(1);
    await runtime.kill(again.runId, requester);
    await expect.poll(() => foldersIn(workspaceDir)).toEqual([]);
  });

  it("goes at the next start when the process died before it could see to it, or before the spawn was decided", async () => {
    const first = await withFiles();
    first.host.onDeliver = async () => "busy";
    const run = await first.start({ task: "echo", attachments: [FILE] });
    await first.settled(run.runId);
    await first.close();
    const folder = join(first.workspaceDir, ".openclaw", "attachments");
    const undecided = join(folder, "6b1d9c2e-0000-4000-8000-000000000000");
    const fresh = join(folder, "6b1d9c2e-0000-4000-8000-000000000001");
    const precious = tempFolder();
    const longAgo = new Date(Date.now() - 3_600_000);
    note(first.stateDir, undecided, longAgo);
    note(first.stateDir, fresh);
    note(first.stateDir, precious, longAgo);
    note(first.stateDir, join(first.workspaceDir, run.attachments!.relDir), longAgo);
    const next = await withFiles({}, { stateDir: first.stateDir, host: first.host });
    await expect.poll(() => existsSync(undecided)).toBe(false);
    await expect.poll(() => notesIn(first.stateDir)).toEqual(["6b1d9c2e-0000-4000-8000-000000000001"]);
    expect([fresh, precious].map((path) => existsSync(path))).toEqual([true, true]);
    // The one that a run has: its completion is still to be handed over.
    expect(existsSync(join(first.workspaceDir, run.attachments!.relDir))).toBe(true);
    first.host.onDeliver = async () => "delivered";
    next.runtime.deliverPending(next.requester.sessionKey);
    await expect.poll(() => existsSync(join(first.workspaceDir, run.attachments!.relDir))).toBe(false);
  });
});

function withFiles(limits: Record<string, unknown> = {}, options: FixtureOptions = {}): Promise<Fixture> {
  const attachments = { enabled: true, ...limits };
  return startRuntime({
    ...(options.model === undefined ? { engine: "by-task" } : {}),
    config: { tools: { sessions_spawn: { attachments } } },
    ...options,
  });
}

async function expectNothing({ workspaceDir, runtime, requester, stateDir }: Fixture, runs = 0): Promise<void> {
  expect(existsSync(join(workspaceDir, ".openclaw"))).toBe(false);
  expect(await runtime.list(requester)).toHaveLength(runs);
  expect(notesIn(stateDir)).toEqual([]);
}

/** As one that was about to fill a folder leaves it. */
function note(stateDir: string, folder: string, at = new Date()): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "half"), "a");
  const dir = join(stateDir, "warm-up", "undecided");
  mkdirSync(dir, { recursive: true });
  const path = join(dir, folder.split(/[\\/]/).at(-1)!);
  writeFileSync(path, folder);
  utimesSync(path, at, at);
}

function notesIn(stateDir: string): string[] {
  const dir = join(stateDir, "warm-up", "undecided");
  return existsSync(dir) ? readdirSync(dir) : [];
}

function foldersIn(workspaceDir: string): string[] {
  return readdirSync(join(workspaceDir, ".openclaw", "attachments"));
}

function rowOf(stateDir: string, runId: string): RunRow {
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  const row = registry.run(runId)!;
  void registry.close();
  return row;
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
