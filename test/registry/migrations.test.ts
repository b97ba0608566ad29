import { mkdirSync, readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { dirname } from "node:path";
import { expect, test } from "vitest";

import { migrate, MIGRATIONS, requireCurrent } from "../../src/registry/migrations.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import { completionOf, LIMITS, MAIN, newRun } from "./fixtures/rows.ts";
import { interruptedCompletion, openForTest, openOwned, tempFile } from "./support.ts";

const VERSION_1 = readFileSync(new URL("./fixtures/version-1.sql", import.meta.url), "utf8");

test("a file of format 1 is brought up to date with everything in it", () => {
  const file = tempFile();
  write(file, VERSION_1);
  const registry = openOwned(file);
  const [below, parent, done] = registry.listRuns();
  expect(done).toMatchObject({ label: "done", state: "settled", outcome: { status: "error" }, delivery: "pending" });
  expect(parent).toMatchObject({ label: "parent", state: "waiting", pendingDescendants: 1 });
  expect(below).toMatchObject({
    label: "below",
    state: "queued",
    parentRunId: parent?.runId,
    expectsCompletion: false,
  });
  expect(registry.findByIdempotencyKey(MAIN, "turn-1")?.runId).toBe(done?.runId);
  const asEver = { mode: "run", context: "isolated", collect: false };
  for (const run of [below, parent, done]) expect(run).toMatchObject(asEver);

  const settled = registry.takeOverDead(Date.now(), interruptedCompletion);
  expect(settled.map((run) => run.label)).toEqual(["parent", "below"]);
  expect(registry.outbox.due(Date.now()).map((row) => row.runId)).toEqual([done?.runId, parent?.runId]);
  expect(registry.admit(newRun(), LIMITS)).toEqual({ ok: true });
});

test("a file of format 1 ends with the schema a new file has", () => {
  const [old, fresh] = [tempFile(), tempFile()];
  write(old, VERSION_1);
  openForTest({ file: old });
  openForTest({ file: fresh });
  expect(schemaOf(old)).toEqual(schemaOf(fresh));
});

test("format 1 is what the first migration makes, for ever", () => {
  const [fixture, migrated] = [tempFile(), tempFile()];
  write(fixture, VERSION_1);
  write(migrated, `${MIGRATIONS[0]}; PRAGMA user_version = 1`);
  expect(schemaOf(migrated)).toEqual(schemaOf(fixture));
});

test("later migrations run once, in order, and leave the rows alone", () => {
  const db = new (loadSqlite().DatabaseSync)(":memory:");
  const steps = ["CREATE TABLE t (a); INSERT INTO t VALUES (1)", "ALTER TABLE t ADD COLUMN b DEFAULT 2"];
  migrate(db, "f", steps.slice(0, 1));
  migrate(db, "f", steps);
  migrate(db, "f", steps);
  expect({ ...db.prepare("SELECT * FROM t").get() }).toEqual({ a: 1, b: 2 });
  db.close();
});

test("a migration that fails leaves the file at the version before", () => {
  const db = new (loadSqlite().DatabaseSync)(":memory:");
  const steps = ["CREATE TABLE t (a)", "CREATE TABLE u (a); CREATE TABLE t (a)"];
  expect(() => migrate(db, "f", steps)).toThrow(/already exists/);
  expect(db.prepare("PRAGMA user_version").get()?.["user_version"]).toBe(1);
  expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'u'").get()).toBeUndefined();
  db.close();
});

test.each([{ readOnly: false }, { readOnly: true }])(
  "a newer file is refused, not touched ($readOnly)",
  ({ readOnly }) => {
    const file = tempFile();
    write(file, `CREATE TABLE later (a); PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    const before = readFileSync(file);
    expect(() => openForTest({ file, readOnly })).toThrow(
      expect.objectContaining({
        code: "registry_unusable",
        message: expect.stringMatching(/newer version.*update/) as string,
      }),
    );
    if (readOnly) expect(readFileSync(file)).toEqual(before);
    expect(schemaOf(file)).toEqual(["CREATE TABLE later (a)"]);
  },
);

test("a look at an older or empty file says what to do", () => {
  const db = new (loadSqlite().DatabaseSync)(":memory:");
  expect(() => requireCurrent(db, "the file")).toThrow(/the file has nothing in it yet; start a run/);
  db.exec("PRAGMA user_version = 1");
  expect(() => requireCurrent(db, "the file", ["", ""])).toThrow(/older version \(format 1\)/);
  db.close();
});

test("completions written by format 1 are still read whole", () => {
  const file = tempFile();
  write(file, VERSION_1);
  const registry = openForTest({ file });
  const done = registry.listRuns().find((run) => run.label === "done")!;
  expect(registry.outbox.byRun(done.runId)?.completion).toEqual(
    completionOf(done, {
      outcome: { status: "error", cause: { code: "model_error", message: "the server said 500" } },
    }),
  );
});

function write(file: string, sql: string): void {
  mkdirSync(dirname(file), { recursive: true });
  withDatabase(file, (db) => db.exec(sql));
}

/** Told by its words, whatever the spaces. */
function schemaOf(file: string): string[] {
  return withDatabase(file, (db) =>
    db
      .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
      .all()
      .map((row) => String(row["sql"]).replaceAll(/\s+/g, " ")),
  );
}

function withDatabase<T>(file: string, work: (db: DatabaseSync) => T): T {
  const db = new (loadSqlite().DatabaseSync)(file);
  try {
    return work(db);
  } finally {
    db.close();
  }
}
