import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, test } from "vitest";

import { Checkpointer } from "../../src/registry/checkpointer.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import { newRun, settlementOf } from "./fixtures/rows.ts";
import { openOwned, tempFile, tempFolder } from "./support.ts";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));

const MIB = 1024 * 1024;

test("the helper thread copies the log into the file while the registry is in use", async () => {
  const file = tempFile();
  const registry = openOwned(file);
  const before = statSync(file).size;
  const limits = { maxChildren: 400, maxQueued: 400 };
  const write = () => {
    for (let i = 0; i < 10; i++) registry.admit(newRun({ task: "x".repeat(2_000) }), limits);
    return statSync(file).size;
  };
  await expect.poll(write, { timeout: 30_000, interval: 5 }).toBeGreaterThan(before);
});

test("closing leaves one file, whatever was under way", async () => {
  const file = tempFile();
  const registry = openOwned(file);
  const limits = { maxChildren: 400, maxQueued: 400 };
  for (let i = 0; i < 256; i++) {
    const run = newRun({ task: "x".repeat(2_000) });
    registry.admit(run, limits);
    if (i % 16 === 0) registry.settle([settlementOf(run)]);
  }
  await registry.close();
  expect(readdirSync(dirname(file))).toEqual(["registry.sqlite"]);
});

test.each([
  { title: "with the helper thread", options: {}, pause: true, bound: 5 },
  { title: "in a burst without a pause, in which the thread can't be heard", options: {}, pause: false, bound: 5 },
  { title: "without a thread", options: { threadFile: new URL("./none.js", import.meta.url) }, pause: true, bound: 2 },
])("the log doesn't grow with the writes, $title", async ({ options, pause, bound }) => {
  const { db, file } = openWal();
  const checkpointer = new Checkpointer(file, db, { ...options, capBytes: MIB });
  const insert = db.prepare("INSERT INTO t VALUES (randomblob(8000))");
  for (let i = 0; i < 1_500; i++) {
    insert.run();
    checkpointer.wrote();
    if (pause && i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(statSync(`${file}-wal`).size).toBeLessThan(bound * MIB);
  expect(statSync(file).size).toBeGreaterThan(6 * MIB);
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
  compile(
    [
      "errors.ts",
      "usage.ts",
      "make-folder.ts",
      ...readdirSync(join(SRC, "registry")).map((name) => join("registry", name)),
    ],
    out,
  );
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
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)");
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
