/** A state directory with many runs behind it. */

import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { openEmbedder } from "./embedder.ts";

/**
 * Runs one child for real and writes its rows so many times, as delivered runs of today that are spread over 1,000
 * sessions, the main one among them.
 */
export async function fillWithPastRuns(stateDir: string, count: number): Promise<void> {
  const embedder = await openEmbedder({ stateDir, config: { pool: { maxThreads: 1 } } });
  await embedder.round(["past"]);
  await embedder.close();
  // The package has silenced its warning by now.
  const { DatabaseSync } = await import("node:sqlite");
  const db = new DatabaseSync(join(stateDir, "registry.sqlite"));
  const runId = "'past-' || n";
  const session = "CASE n % 1000 WHEN 0 THEN 'agent:main:main' ELSE 'agent:main:bench-' || (n % 1000) END";
  copy(db, "runs", count, {
    id: "1000 + n",
    runId,
    childSessionKey: "'agent:main:subagent:past-' || n",
    requesterSessionKey: session,
    rootSessionKey: session,
  });
  copy(db, "outbox", count, { key: runId, runId, requesterSessionKey: session });
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** @param changes SQL of the columns that differ from row to row; `n` counts from 1 */
function copy(db: DatabaseSync, table: string, count: number, changes: Record<string, string>): void {
  const columns = db
    .prepare(`PRAGMA table_info(${table})`)
    .all()
    .map(({ name }) => String(name));
  const values = columns.map((column) => changes[column] ?? `"${column}"`);
  db.exec(`
    WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < ${count})
    INSERT INTO ${table} (${columns.join(", ")})
    SELECT ${values.join(", ")} FROM counter, (SELECT * FROM ${table} LIMIT 1) ORDER BY n`);
}
