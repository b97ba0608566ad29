/**
 * Keeps the write-ahead log small without stalling the main thread: SQLite's automatic checkpoint runs inside a commit
 * and takes tens of milliseconds, so it is off, and a helper thread copies the log into the file instead.
 */

import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";

/** What the helper thread is told at its start. */
export type CheckpointThreadData = {
  file: string;
  /** Shared, one element: `COPYING` from the question to the answer, else `IDLE`. */
  activity: Int32Array;
};

/** What it answers when it has copied all it could. */
export type CheckpointDone = { logBytes: number };

export class Checkpointer {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #threadFile: URL;
  readonly #capBytes: number;
  readonly #activity = new Int32Array(new SharedArrayBuffer(4));
  #thread: Worker | undefined;
  #threadFailed = false;
  #writes = 0;

  /** `capBytes`: the log is started over when it is longer. @default 16 MiB */
  constructor(file: string, db: DatabaseSync, options: { threadFile?: URL; capBytes?: number } = {}) {
    this.#file = file;
    this.#db = db;
    this.#threadFile = options.threadFile ?? THREAD_FILE;
    this.#capBytes = options.capBytes ?? WAL_CAP_BYTES;
  }

  /** To be called after each commit. The thread is started by the first batch worth copying, so short commands never pay it. */
  wrote(): void {
    if (++this.#writes % WRITES_PER_CHECK !== 0) return;
    const bytes = this.#walBytes();
    if (bytes < this.#capBytes / 8) return;
    if (this.#threadFailed) {
      if (bytes >= this.#capBytes) this.#checkpoint("TRUNCATE", 0);
      return;
    }
    if (Atomics.load(this.#activity, 0) === IDLE) this.#ask();
    // A burst without a pause, or a slow disk: a stall now is better than a log without bound. SQLite refuses a second
    // checkpoint beside the thread's at once, so the thread's is waited for.
    if (bytes < 4 * this.#capBytes) return;
    Atomics.wait(this.#activity, 0, COPYING, THREAD_WAIT_MS);
    this.#checkpoint("TRUNCATE", 0);
  }

  /** Ends the thread, then empties the log unless a reader still needs it. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#threadFailed = true;
    if (thread !== undefined) {
      const exited = new Promise((resolve) => thread.once("exit", resolve));
      thread.ref();
      thread.postMessage("close");
      await exited;
    }
    if (this.#db.isOpen) this.#checkpoint("TRUNCATE", CLOSE_WAIT_MS);
  }

  #ask(): void {
    try {
      this.#thread ??= this.#start();
      Atomics.store(this.#activity, 0, COPYING);
      this.#thread.postMessage("checkpoint");
    } catch {
      // Node can be told to allow no threads; the write that asked has been committed all the same.
      this.#threadFailed = true;
    }
  }

  #start(): Worker {
    const workerData: CheckpointThreadData = { file: this.#file, activity: this.#activity };
    const thread = new Worker(this.#threadFile, { workerData, env: {}, execArgv: [], name: "registry checkpoints" });
    thread.on("message", (done: CheckpointDone) => this.#copied(done));
    thread.on("error", () => (this.#threadFailed = true));
    thread.on("exit", () => {
      this.#thread = undefined;
      this.#threadFailed = true;
    });
    thread.unref();
    return thread;
  }

  /**
   * A log that writers kept from starting over is started over here, where the only busy writer is: little is left to
   * copy, and the file keeps its length, since cutting it takes longer than a write.
   */
  #copied(done: CheckpointDone): void {
    if (done.logBytes >= this.#capBytes && this.#db.isOpen) this.#checkpoint("RESTART", 0);
  }

  #walBytes(): number {
    return statSync(`${this.#file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Does nothing when another process reads or writes just then. What was committed is safe either way, so no error leaves here. */
  #checkpoint(mode: "RESTART" | "TRUNCATE", waitMs: number): void {
    const before = Number(this.#db.prepare("PRAGMA busy_timeout").get()?.["timeout"]);
    try {
      this.#db.exec(`PRAGMA busy_timeout = ${waitMs}; PRAGMA wal_checkpoint(${mode})`);
    } catch {
      // A disk that is full or failing shows itself at the next write, to a caller who can be told.
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${before}`);
    }
  }
}

/** The compiled file beside the compiled one, the source beside the source. */
const THREAD_FILE = new URL(
  new URL(import.meta.url).pathname.endsWith(".ts") ? "./checkpoint-thread.ts" : "./checkpoint-thread.js",
  import.meta.url,
);

export const IDLE = 0;
const COPYING = 1;
const THREAD_WAIT_MS = 1_000;
const CLOSE_WAIT_MS = 50;
const WRITES_PER_CHECK = 64;
const WAL_CAP_BYTES = 16 * 1024 * 1024;
