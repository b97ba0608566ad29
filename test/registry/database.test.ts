import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

import { openDatabase } from "../../src/registry/database.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import { LIMITS, newRun, settlementOf } from "./fixtures/rows.ts";
import { openForTest, openOwned, tempFile, tempFolder } from "./support.ts";

const REGISTRY = new URL("../../src/registry/registry.ts", import.meta.url).href;
const SQLITE = new URL("../../src/registry/sqlite.ts", import.meta.url).href;

test.skipIf(process.platform === "win32")("the folder is the owner's alone, and so are the files in it", () => {
  const file = tempFile();
  const registry = openOwned(file);
  registry.admit(newRun(), LIMITS);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  for (const each of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(each).mode & 0o777).toBe(0o600);
});

test("what was written is there after closing and opening again, in one file", async () => {
  const file = tempFile();
  const first = openOwned(file);
  const run = newRun();
  first.admit(run, LIMITS);
  first.settle([settlementOf(run)]);
  await first.close();
  await first.close();
  expect(existsSync(`${file}-wal`)).toBe(false);
  expect(openForTest({ file }).run(run.runId)?.outcome).toEqual({ status: "ok" });
});

test("two registries of one process share a file", () => {
  const file = tempFile();
  const [a, b] = [openOwned(file), openOwned(file)];
  const limits = { maxChildren: 2, maxQueued: 10 };
  expect(a.admit(newRun(), limits)).toMatchObject({ ok: true });
  expect(b.admit(newRun(), limits)).toMatchObject({ ok: true });
  expect(a.admit(newRun(), limits)).toMatchObject({ ok: false, active: 2 });
});

test("a durable write is synced in full, others and those after it are not", async () => {
  const db = openDatabase(tempFile(), false);
  const synchronous = db.prepare("PRAGMA synchronous");
  const level = () => synchronous.get()?.["synchronous"];
  expect(db.write(level)).toBe(1);
  expect(db.writeDurably(level)).toBe(2);
  expect(() => db.writeDurably(() => db.prepare("no such statement"))).toThrow(/syntax error/);
  expect(db.write(level)).toBe(1);
  await db.close();
});

test("no write checkpoints in passing", () => {
  const file = tempFile();
  const registry = openOwned(file);
  const size = statSync(file).size;
  for (let i = 0; i < 12; i++) {
    const run = newRun();
    registry.admit(run, LIMITS);
    registry.settle([settlementOf(run, { text: "x".repeat(250_000) })]);
  }
  expect(statSync(file).size).toBe(size);
  // SQLite by itself would have copied the log at 1,000 pages.
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(1_000 * 2_048);
});

test("a state directory that can't be made is told in one sentence", () => {
  const blocked = join(tempFolder(), "a-file");
  writeFileSync(blocked, "");
  expect(() => openForTest({ file: join(blocked, "state", "registry.sqlite") })).toThrow(
    expect.objectContaining({
      code: "state_dir_unusable",
      message: expect.stringContaining(join(blocked, "state")) as string,
    }),
  );
});

test("a folder where the file should be is told as well", () => {
  const file = tempFile();
  mkdirSync(file, { recursive: true });
  expect(() => openForTest({ file })).toThrow(expect.objectContaining({ code: "state_dir_unusable" }));
});

test("a file that isn't a registry is left as it is, and the sentence says to move it away", () => {
  const file = tempFile();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "these are not the bytes of a database\n".repeat(200));
  const before = readFileSync(file);
  for (const readOnly of [false, true]) {
    expect(() => openForTest({ file, readOnly })).toThrow(
      expect.objectContaining({
        code: "registry_unusable",
        message: expect.stringMatching(/damaged.*move it away/) as string,
      }),
    );
  }
  expect(readFileSync(file)).toEqual(before);
});

test("damage found later than at opening is told the same way", async () => {
  const file = tempFile();
  const first = openOwned(file);
  for (let i = 0; i < 200; i++) first.admit(newRun(), LIMITS);
  await first.close();
  const bytes = readFileSync(file);
  bytes.fill(0xff, 2 * 2_048);
  writeFileSync(file, bytes);
  expect(() => openForTest({ file }).listRuns()).toThrow(
    expect.objectContaining({ code: "registry_unusable", message: expect.stringContaining(`${file}-wal`) as string }),
  );
});

test("a look where nothing ever ran says so and makes nothing", () => {
  const file = tempFile();
  expect(() => openForTest({ file, readOnly: true })).toThrow(
    expect.objectContaining({
      code: "registry_unusable",
      message: expect.stringContaining("nothing has run") as string,
    }),
  );
  expect(existsSync(dirname(file))).toBe(false);
});

test("SQLite's experimental warning is silenced, and no other", async () => {
  const script = `
    const { openRegistry } = await import(${JSON.stringify(REGISTRY)});
    const { loadSqlite } = await import(${JSON.stringify(SQLITE)});
    openRegistry({ file: ":memory:" }).claimOwner();
    loadSqlite();
    process.emitWarning("another one", "ExperimentalWarning");
    process.emitWarning("SQLite is mentioned", "Warning");`;
  const { stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stderr).not.toContain("SQLite is an experimental feature");
  expect(stderr).toContain("another one");
  expect(stderr).toContain("SQLite is mentioned");
  expect(loadSqlite()).toBe(process.getBuiltinModule("node:sqlite"));
});

test("a registry that isn't closed doesn't hold its process, even with its helper thread started", async () => {
  const script = `
    const { openRegistry } = await import(${JSON.stringify(REGISTRY)});
    const registry = openRegistry({ file: ${JSON.stringify(tempFile())} });
    registry.claimOwner();
    const run = ${JSON.stringify(newRun({ task: "x".repeat(2_000) }))};
    for (let i = 0; i < 256; i++) {
      registry.admit({ ...run, runId: "r" + i, childSessionKey: "s" + i }, { maxChildren: 300, maxQueued: 300 });
    }
    process.stdout.write("done");`;
  const args = ["--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
  expect(stdout).toBe("done");
});
