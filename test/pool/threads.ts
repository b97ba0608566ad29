/** A real pool on the built worker, or on a worker file of the test's own; ended after the test. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";

import type { EngineResult, EngineTask, ToHost } from "../../src/channel/protocol.ts";
import type { PoolConfig } from "../../src/config.ts";
import { workerFile } from "../../src/package-root.ts";
import { WorkerPool, type WorkerPoolOptions } from "../../src/pool/worker-pool.ts";
import { engineTask } from "../helpers/engine-task.ts";
import { closeAfterTest, engineFile, tempFolder } from "../helpers/runtime-fixture.ts";

export type TestPool = {
  pool: WorkerPool;
  /** Faults no run was blamed for. */
  faults: Error[];
  /** Starts a run of the fixture that the task's first word names. */
  run(task: string, options?: { dedicated?: boolean }): TestRun;
};

export type TestRun = {
  /** Resolves with the thread's id once the run has its thread. */
  threadId: Promise<number>;
  result: Promise<EngineResult>;
  /** What the pool says: the thread has given the run back. */
  released: Promise<void>;
  abort(): void;
};

export function startPool(threads: Partial<PoolConfig> = {}, more: Partial<WorkerPoolOptions> = {}): TestPool {
  const faults: Error[] = [];
  const pool = new WorkerPool({
    threads: {
      minThreads: 1,
      maxThreads: 1,
      runsPerThread: 64,
      idleTimeoutMs: 30_000,
      maxQueue: 100,
      nice: 0,
      ...threads,
    },
    workerFile: workerFile(),
    env: {},
    scratchDir: tempFolder(),
    onError: (error) => void faults.push(error),
    ...more,
  });
  closeAfterTest(() => pool.close());
  const dir = tempFolder();
  let next = 0;
  return {
    pool,
    faults,
    run: (task, options) => startRun(pool, engineTask(dir, String(next++), engineFile("by-task"), task), options),
  };
}

/** A worker file with this text. */
export function workerOf(text: string): string {
  const file = join(tempFolder(), "worker.mjs");
  writeFileSync(file, text);
  return file;
}

function startRun(pool: WorkerPool, task: EngineTask, options?: { dedicated?: boolean }): TestRun {
  const { port1, port2 } = new MessageChannel();
  const threadId = Promise.withResolvers<number>();
  const result = Promise.withResolvers<EngineResult>();
  port1.on("message", (message: ToHost) => {
    if (message.type === "started") threadId.resolve(message.threadId);
    if (message.type === "events") port1.postMessage({ type: "credit", batches: 1 });
    if (message.type === "finished") result.resolve(message.result);
  });
  const released = pool.run(task, port2, options);
  void released.catch(() => undefined).finally(() => setTimeout(() => port1.close(), 100));
  return {
    threadId: threadId.promise,
    result: result.promise,
    released,
    abort: () => port1.postMessage({ type: "abort", cause: { code: "run_killed", message: "Enough." } }),
  };
}
