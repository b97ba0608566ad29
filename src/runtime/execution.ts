/**
 * One turn of a session being executed in a thread: its channel, its OS processes, its end.
 *
 * Two things are told apart. `ended`: the turn has a result, or its thread is lost; the run may settle. `released`: the
 * thread has the run back, so its slot is free; a tool that ignores its abort can keep it for a while.
 * The ladder of an abort: a message with the reason → grace → the tools' processes are ended → the thread is.
 */

import { MessageChannel } from "node:worker_threads";
import { HostEnd } from "../channel/host-end.ts";
import type { EngineResult, EngineTask, HostRequest, LogLine } from "../channel/protocol.ts";
import type { Config } from "../config.ts";
import { causeOf, type Cause } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import { killTree, track } from "../kill-tree.ts";
import type { WorkerPool } from "../pool/worker-pool.ts";
import { noUsage } from "../usage.ts";

export type ExecutionEnd = { kind: "finished"; result: EngineResult } | { kind: "lost"; cause: Cause };

export type ExecutionOptions = {
  pool: WorkerPool;
  task: EngineTask;
  dedicated: boolean;
  grace: Config["subagents"]["grace"];
  /** `text` and `thinking` events are wanted from the start. */
  watched: boolean;
  onStarted(threadId: number): void;
  /** The model has before it what opens the turn; not told of a session's first turn. */
  onOpened?(): void;
  onEvents(events: EngineEvent[]): void;
  onRequest(request: HostRequest, signal: AbortSignal): Promise<unknown>;
  onLog(lines: LogLine[]): void;
  /** The model has so many more of the texts it was steered with. */
  onSteered?(count: number): void;
  /** An abort was ignored: the thread is about to be ended, with whatever else is on it. */
  onTerminate(threadId: number): void;
};

export class Execution {
  readonly ended: Promise<ExecutionEnd>;
  readonly released: Promise<void>;
  readonly #options: ExecutionOptions;
  readonly #host: HostEnd;
  readonly #pids = new Set<number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #end!: (end: ExecutionEnd) => void;
  #threadId: number | undefined;
  #aborted = false;
  #answeredAt = performance.now();

  constructor(options: ExecutionOptions) {
    this.#options = options;
    const { port1, port2 } = new MessageChannel();
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#host = new HostEnd(port1, {
      started: (threadId) => {
        this.#threadId = threadId;
        // Its thread may have taken long to boot: it is silent from here on, not from before.
        this.#answeredAt = performance.now();
        options.onStarted(threadId);
      },
      opened: () => options.onOpened?.(),
      events: (events) => options.onEvents(events),
      request: (request, signal) => options.onRequest(request, signal),
      process: (pid, alive) => {
        track(pid, alive);
        if (alive) this.#pids.add(pid);
        else this.#pids.delete(pid);
      },
      log: (lines) => options.onLog(lines),
      steered: (count) => options.onSteered?.(count),
      pong: () => void (this.#answeredAt = performance.now()),
      finished: (result) => this.#end({ kind: "finished", result }),
      invalid: (cause) => {
        this.#end({ kind: "finished", result: { status: "error", text: "", cause, usage: noUsage() } });
        this.abort(cause);
      },
    });
    if (options.watched) this.#host.watch(true);
    this.#after(START_MS, () => {
      if (this.#threadId === undefined) this.#end({ kind: "lost", cause: NOT_STARTED });
    });
    this.released = this.#run(port2);
  }

  get threadId(): number | undefined {
    return this.#threadId;
  }

  watch(on: boolean): void {
    this.#host.watch(on);
  }

  steer(text: string): void {
    this.#host.steer(text);
  }

  /** Asks the thread's loop for an answer. */
  ping(): void {
    this.#host.ping();
  }

  /** Milliseconds since the thread's loop last answered a ping, or took the run. */
  get silentMs(): number {
    return performance.now() - this.#answeredAt;
  }

  /** Safe to call twice; the first reason is the one the run is told. */
  abort(cause: Cause): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#host.abort(cause);
    const { abortMs, terminateMs } = this.#options.grace;
    this.#after(abortMs, () => this.#endProcesses());
    this.#after(abortMs + terminateMs, () => {
      if (this.#threadId === undefined) return;
      this.#options.onTerminate(this.#threadId);
      this.terminate(IGNORED_ABORT);
    });
  }

  /** Ends the thread, with every run on it; this one is told why. */
  terminate(cause: Cause): void {
    this.#end({ kind: "lost", cause });
    if (this.#threadId !== undefined) void this.#options.pool.terminateThread(this.#threadId);
  }

  async #run(port: MessageChannel["port2"]): Promise<void> {
    try {
      const given = this.#options.pool.run(this.#options.task, port, { dedicated: this.#options.dedicated });
      // A thread that never starts never gives the run back.
      await Promise.race([given, this.#neverStarted()]);
      // The result travels on the run's own port and may be a moment behind the thread's word that it is free.
      this.#after(RESULT_GRACE_MS, () => this.#end({ kind: "lost", cause: NO_RESULT }));
    } catch (error) {
      // That the thread is gone can be heard of before its last words, a result perhaps.
      this.#host.drain();
      this.#end({ kind: "lost", cause: causeOf(error, "worker_lost") });
    }
    await this.ended;
    this.#endProcesses();
    this.#host.close();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #neverStarted(): Promise<void> {
    const end = await this.ended;
    if (end.kind === "finished" || end.cause !== NOT_STARTED) await new Promise(() => undefined);
  }

  #endProcesses(): void {
    for (const pid of this.#pids) void killTree(pid);
    this.#pids.clear();
  }

  #after(ms: number, act: () => void): void {
    this.#timers.add(setTimeout(act, ms));
  }
}

/** A thread loads in well under a second; one that is kept busy by another run is ended long before this. */
const START_MS = 60_000;
const NOT_STARTED: Cause = {
  code: "worker_start_failed",
  message: "No thread took the run up within 60 s; the worker's file may not load, or every thread is stuck.",
};
const RESULT_GRACE_MS = 2000;
const IGNORED_ABORT: Cause = {
  code: "worker_stuck",
  message: "The run did not give its thread back when it was told to stop.",
};
const NO_RESULT: Cause = { code: "worker_lost", message: "The run's thread gave it back without a result." };
