/**
 * Threads that carry runs, several at a time (M:N), on piscina. The lane above decides when a run starts; the pool
 * decides where: on the thread with the fewest runs, or on one of its own. A thread that is added starts beside the runs,
 * none of which waits for it.
 *
 * Four facts about piscina 5.3 shape this file (design §6): a task with a `signal` takes its thread for itself and
 * kills it when aborted, so runs are aborted over their channel; once a task waits in its queue, all others wait behind
 * it, but for one with a `signal`, which waits apart; `atomics` other than `disabled` freeze a thread's timers between
 * tasks; a worker file that fails to load leaves its tasks hanging, so starting has a deadline.
 */

import type { EventLoopUtilization } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import type { EngineTask } from "../channel/protocol.ts";
import type { PoolConfig } from "../config.ts";
import { InprocessError, messageOf } from "../errors.ts";
import { Crowding } from "./crowding.ts";
import { Growth } from "./growth.ts";
import { placeOnWarm, placeRuns, type Placement } from "./placement.ts";

export type WorkerPoolOptions = {
  threads: PoolConfig;
  /** The bundled worker. */
  workerFile: string;
  /** A folder for what warming up writes; made by the threads. */
  scratchDir: string;
  /** The threads' whole environment. */
  env: Record<string, string>;
  /** Milliseconds a thread may take to load. @default 10000 */
  startTimeoutMs?: number;
  /** The threads are for the gateway's own runner. @default they are for `pi` */
  guest?: GuestEngine;
  /** A fault of a thread that no run can be blamed for. */
  onError(error: Error): void;
  /** Something a person may want to know: a thread wasn't warmed, or one was added. */
  onNote?(text: string): void;
};

/** An engine whose threads take seconds to start and hundreds of MB: they are added one by one, each warmed first. */
export type GuestEngine = {
  engine: string;
  /** `EngineTask.engineContext` of the run that warms a thread up; asked each time. */
  context(): unknown;
};

/** What a thread is handed. The port is the run's end of its channel. */
export type ThreadTask = { task: EngineTask; port: MessagePort };

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #placement: Placement;
  readonly #growth: Growth | undefined;
  readonly #crowding: Crowding | undefined;
  readonly #shared: Piscina;
  readonly #dedicated = new Set<Piscina>();
  readonly #ends = new WeakMap<Piscina, Promise<void>>();
  #loops = new Map<number, EventLoopUtilization>();
  #warming: Promise<void> | undefined;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    const { guest, threads } = options;
    const { maxThreads } = threads;
    const onNote = (text: string): void => options.onNote?.(text);
    const warmFirst = guest === undefined ? undefined : placeOnWarm(threads);
    this.#placement = warmFirst ?? placeRuns(() => this.#crowding?.seen());
    this.#shared = this.#start(guest === undefined ? threads.minThreads : 1, maxThreads, this.#placement);
    this.#shared.on("workerDestroy", (worker: { id: number }) => this.#placement.forget(worker.id));
    if (warmFirst === undefined) {
      this.#crowding = new Crowding({
        mayAddOne: () => this.#shared.threads.length < maxThreads,
        // A signal, never used, so that no run waits behind it in piscina's queue, or runs beside it.
        addOne: () => this.#warmOne({ name: "grow", signal: new AbortController().signal }),
        onNote,
      });
      return;
    }
    this.#growth = new Growth({
      placement: warmFirst,
      maxThreads,
      threads: () => this.#shared.threads,
      warmOne: () => this.#warmOne(),
      onNote,
    });
  }

  /** Resolves when a thread has loaded the worker file. @throws InprocessError `worker_start_failed` */
  async ready(): Promise<void> {
    await this.#withinDeadline(this.#shared.run(undefined, { name: "ping" }));
  }

  /** Resolves when every thread now running has been through a whole engine run, or can't be. */
  warm(): Promise<void> {
    return (this.#warming ??= this.#growth === undefined ? this.#warmAll() : this.#growth.first());
  }

  /**
   * Runs a task to its end. Resolves when the thread has given the run back; rejects with `worker_lost` when the
   * thread ended first, which every run on it sees.
   */
  async run(task: EngineTask, port: MessagePort, options: { dedicated?: boolean } = {}): Promise<void> {
    if (this.#closed) throw new InprocessError("runtime_closed", "The pool was closed before the run could start.");
    const work: ThreadTask = { task, port };
    // Beside a warm-up it would get nowhere, and hold the thread's loop up for longer.
    const warming = this.#growth?.firstWarm;
    if (warming !== undefined) await Promise.race([warming, delay(WARM_WAIT_MS, undefined, { ref: false })]);
    if (options.dedicated !== true) return this.#post(this.#shared, work);
    const own = this.#start(1, 1);
    this.#dedicated.add(own);
    try {
      await this.#post(own, work);
    } finally {
      this.#dedicated.delete(own);
      await this.#end(own);
    }
  }

  /** Ends a thread with everything on it; the last rung of every ladder. */
  async terminateThread(threadId: number): Promise<void> {
    await this.#allThreads()
      .find((thread) => thread.threadId === threadId)
      ?.terminate();
  }

  stats(): { total: number; dedicated: number; runs: number[] } {
    const runs = this.#placement.loads();
    return { total: this.#shared.threads.length + this.#dedicated.size, dedicated: this.#dedicated.size, runs };
  }

  /** Fraction of time since the last call that each thread's loop was busy, by thread id. */
  utilization(): Map<number, number> {
    const before = this.#loops;
    const threads = this.#allThreads();
    this.#loops = new Map(threads.map((thread) => [thread.threadId, thread.performance.eventLoopUtilization()]));
    return new Map(
      threads.map((thread) => {
        const { threadId } = thread;
        const now = this.#loops.get(threadId)!;
        return [threadId, thread.performance.eventLoopUtilization(now, before.get(threadId)).utilization];
      }),
    );
  }

  /** Ends all threads. Runs still on them see `worker_lost`; a warm-up is let finish, for it has a file open. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#growth?.stop();
    const warmUps = Promise.all([this.#warming?.catch(() => undefined), this.#crowding?.stop()]);
    await Promise.race([warmUps, delay(WARM_GRACE_MS, undefined, { ref: false })]);
    await Promise.all([this.#shared, ...this.#dedicated].map((pool) => this.#end(pool)));
  }

  async #warmAll(): Promise<void> {
    await Promise.all(this.#shared.threads.map(() => this.#warmOne()));
  }

  /** @returns why it failed, in words */
  async #warmOne(how: { name: string; signal?: AbortSignal } = { name: "warm" }): Promise<string | undefined> {
    const { guest, scratchDir } = this.#options;
    const engine = guest === undefined ? {} : { engine: { engine: guest.engine, context: guest.context() } };
    return (await this.#shared.run({ dir: scratchDir, ...engine }, how)) as string | undefined;
  }

  /** Once for each: a second `destroy` beside the first makes piscina replace the thread that the first one ends. */
  #end(pool: Piscina): Promise<void> {
    const end = this.#ends.get(pool) ?? pool.destroy();
    this.#ends.set(pool, end);
    return end;
  }

  async #post(pool: Piscina, work: ThreadTask): Promise<void> {
    try {
      await pool.run(work, { name: "run", transferList: [work.port] });
    } catch (error) {
      throw new InprocessError("worker_lost", `The thread of the run ended: ${messageOf(error)}.`, { cause: error });
    }
  }

  #start(minThreads: number, maxThreads: number, placement?: Placement): Piscina {
    const { threads, env, workerFile, guest } = this.#options;
    const pool = new Piscina({
      filename: workerFile,
      name: "run",
      minThreads,
      maxThreads,
      // So high that piscina never queues what our lane lets through, but for the time a new thread boots.
      concurrentTasksPerWorker: threads.runsPerThread + TASKS_BESIDE_RUNS,
      maxQueue: threads.maxQueue,
      idleTimeout: threads.idleTimeoutMs,
      atomics: "disabled",
      niceIncrement: threads.nice,
      recordTiming: false,
      env,
      argv: [],
      execArgv: [],
      ...(placement === undefined ? {} : { loadBalancer: placement.balance }),
      ...(threads.heapMb === undefined
        ? {}
        : {
            resourceLimits: {
              maxOldGenerationSizeMb: guest === undefined ? threads.heapMb : Math.max(threads.heapMb, GUEST_HEAP_MB),
            },
          }),
    });
    // Without a listener a late throw in an idle thread would end the gateway's process.
    pool.on("error", (error: Error) => this.#options.onError(error));
    return pool;
  }

  #allThreads() {
    return [this.#shared, ...this.#dedicated].flatMap((pool) => pool.threads);
  }

  async #withinDeadline(started: Promise<unknown>): Promise<void> {
    const ms = this.#options.startTimeoutMs ?? START_TIMEOUT_MS;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it did not load within ${ms} ms`)), ms);
    });
    try {
      await Promise.race([started, deadline]);
    } catch (error) {
      const why = messageOf(error);
      throw new InprocessError(
        "worker_start_failed",
        `No worker thread could be started from ${this.#options.workerFile}: ${why}. Reinstall the package, or run its build.`,
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The gateway's own runner holds a few hundred MB of plugins; a smaller cap ends its threads. */
const GUEST_HEAP_MB = 1024;
const START_TIMEOUT_MS = 10_000;
const WARM_GRACE_MS = 1000;
/** A warm-up takes some seconds; well before a run counts as not started it is no longer waited for. */
const WARM_WAIT_MS = 40_000;
/** A ping and a warm-up beside a thread's runs. */
const TASKS_BESIDE_RUNS = 2;
