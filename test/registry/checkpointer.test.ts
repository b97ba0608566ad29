import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, test } from "vitest";

import { Checkpointer, WAL_CAP_BYTES } from "../../src/registry/checkpointer.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import { LIMITS, newRun, settlementOf } from "./fixtures/rows.ts";
import { openOwned, tempFile, tempFolder } from "./support.ts";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));

test("the helper thread copies the log into the file while the registry is in use", async () => {
  const file = tempFile();
  const registry = openOwned(file);
  const before = statSync(file).size;
  await expect
    .poll(
      () => {
        for (let i = 0; i < 10; i++) registry.admit(newRun({ task: "x".repeat(2_000) }), LIMITS);
        return statSync(file).size;
      },
      { timeout: 30_000, interval: 5 },
    )
    .toBeGreaterThan(before);
  expect(statSync(`${file}-wal`).size).toBeLessThan(WAL_CAP_BYTES);
});

test("the log doesn't grow with the writes, and is gone after closing", async () => {
  const file = tempFile();
  const registry = openOwned(file);
  for (let written = 0; written < 6 * WAL_CAP_BYTES; written += 200_000) {
    const run = newRun();
    registry.admit(run, LIMITS);
    registry.settle([settlementOf(run, { text: "x".repeat(200_000) })]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(4.5 * WAL_CAP_BYTES);
  await registry.close();
  expect(readdirSync(dirname(file))).toEqual(["registry.sqlite"]);
});

test("without the helper thread the log is still bounded", async () => {
  const { db, file } = openWal();
  const checkpointer = new Checkpointer(file, db, new URL("./no-such-file.js", import.meta.url));
  const insert = db.prepare("INSERT INTO t VALUES (randomblob(20000))");
  for (let i = 0; i < 3_000; i++) {
    insert.run();
    checkpointer.wrote();
    if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(4.5 * WAL_CAP_BYTES);
  expect(statSync(file).size).toBeGreaterThan(WAL_CAP_BYTES);
  await checkpointer.close();
  db.close();
});

test("a burst without a pause, in which the helper thread can't be heard, doesn't grow the log without bound", async () => {
  const { db, file } = openWal();
  const checkpointer = new Checkpointer(file, db);
  const insert = db.prepare("INSERT INTO t VALUES (randomblob(200000))");
  for (let i = 0; i < 1_000; i++) {
    insert.run();
    checkpointer.wrote();
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(6 * WAL_CAP_BYTES);
  await checkpointer.close();
  expect(statSync(`${file}-wal`).size).toBe(0);
  db.close();
});

test("a reader that holds the log doesn't make closing wait or fail", async () => {
  const { db, file } = openWal();
  const reader = new (loadSqlite().DatabaseSync)(file, { readOnly: true });
  db.exec("INSERT INTO t VALUES (1)");
  reader.exec("BEGIN");
  reader.prepare("SELECT * FROM t").all();
  db.exec("INSERT INTO t VALUES (2)");
  const checkpointer = new Checkpointer(file, db);
  await checkpointer.close();
  reader.exec("COMMIT");
  reader.close();
  expect(db.prepare("PRAGMA busy_timeout").get()?.["timeout"]).toBe(1_234);
  db.close();
});

test("the helper thread runs from compiled files too", async () => {
  const out = tempFolder();
  compile(["errors.ts", ...readdirSync(join(SRC, "registry")).map((name) => join("registry", name))], out);
  const file = join(out, "state", "registry.sqlite");
  const script = `
    const { openRegistry } = await import(${JSON.stringify(pathToFileURL(join(out, "registry", "registry.js")).href)});
    const { statSync } = await import("node:fs");
    const registry = openRegistry({ file: ${JSON.stringify(file)} });
    registry.claimOwner();
    const before = statSync(${JSON.stringify(file)}).size;
    const run = ${JSON.stringify(newRun())};
    for (let i = 0; statSync(${JSON.stringify(file)}).size === before; i++) {
      const id = String(i);
      registry.admit({ ...run, runId: id, childSessionKey: id, task: "x".repeat(2000) }, { maxChildren: 1e9, maxQueued: 1e9 });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await registry.close();
    process.stdout.write("copied");`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    timeout: 50_000,
  });
  expect(stdout).toBe("copied");
  expect(stderr).toBe("");
});

function openWal(): { db: DatabaseSync; file: string } {
  const file = join(tempFolder(), "registry.sqlite");
  const db = new (loadSqlite().DatabaseSync)(file, { timeout: 1_234 });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)");
  return { db, file };
}

/** What the build does to these files, without the rest of the package. */
function compile(files: string[], out: string): void {
  writeFileSync(join(out, "package.json"), '{"type":"module"}');
  for (const name of files) {
    const { outputText } = ts.transpileModule(readFileSync(join(SRC, name), "utf8"), {
      fileName: name,
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    const target = join(out, name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}
