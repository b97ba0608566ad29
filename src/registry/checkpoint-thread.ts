/** The helper thread: copies the write-ahead log into the file when asked. */

import { parentPort, workerData } from "node:worker_threads";

import type { CheckpointDone, CheckpointThreadData } from "./checkpointer.ts";
import { IDLE } from "./checkpointer.ts";
import { loadSqlite } from "./sqlite.ts";

const { file, activity } = workerData as CheckpointThreadData;
const db = new (loadSqlite().DatabaseSync)(file, { timeout: 200 });
const passive = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");
const pageBytes = Number(db.prepare("PRAGMA page_size").get()?.["page_size"]);

parentPort?.on("message", (message: "checkpoint" | "close") => {
  if (message === "close") {
    db.close();
    parentPort?.close();
    return;
  }
  const done: CheckpointDone = { logBytes: checkpoint() };
  Atomics.store(activity, 0, IDLE);
  Atomics.notify(activity, 0);
  parentPort?.postMessage(done);
});

/**
 * PASSIVE copies beside writers, who go on meanwhile: repeated until next to nothing is left. It never holds a writer
 * off, so it never starts the log over; the main thread does that, for which next to nothing is left to copy.
 * @returns how long the log is
 */
function checkpoint(): number {
  for (let round = 1; ; round++) {
    const startedAt = performance.now();
    const frames = Number(passive.get()?.["log"]);
    if (round === MAX_ROUNDS || performance.now() - startedAt < SHORT_MS) return frames * pageBytes;
  }
}

const MAX_ROUNDS = 5;
const SHORT_MS = 5;
