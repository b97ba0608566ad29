/**
 * When threads of the gateway's own runner are started: the first one at once, another when a run holds up those beside
 * it. Each costs seconds of CPU and some 400 MB, so a thread is never added where memory is short.
 */

import type { EventLoopUtilization } from "node:perf_hooks";
import { messageOf } from "../errors.ts";
import type { WarmPlacement } from "./placement.ts";

export type GrowthOptions = {
  placement: WarmPlacement;
  maxThreads: number;
  threads(): readonly GrownThread[];
  /** Runs a whole engine run in a thread that had none, a new one if need be. @returns why it failed, in words */
  warmOne(): Promise<string | undefined>;
  onNote(text: string): void;
  /** Bytes that are free for a new thread. @default what the system and a limit on this process leave */
  freeMemory?: () => number;
};

export type GrownThread = {
  readonly threadId: number;
  readonly performance: {
    eventLoopUtilization(now?: EventLoopUtilization, before?: EventLoopUtilization): EventLoopUtilization;
  };
};

export class Growth {
  readonly #options: GrowthOptions;
  readonly #timer: NodeJS.Timeout;
  /** Of each thread: where its loop stood at the last look, and for how many looks it has been busy. */
  #loops = new Map<number, { loop: EventLoopUtilization; busyLooks: number }>();
  #warming: Promise<void> | undefined;
  #isKeptWarm = false;
  #isShort = false;

  constructor(options: GrowthOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Resolves with the warm-up under way; undefined when there is none, or when another thread is warm already. */
  get firstWarm(): Promise<void> | undefined {
    return this.#options.placement.warm.size === 0 ? this.#warming : undefined;
  }

  /** Warms the thread there is. Never rejects. */
  async first(): Promise<void> {
    this.#isKeptWarm = true;
    if (this.#hasMemory(UNWARMED)) await this.#warm();
  }

  /** Adds a thread when each one there is has been busy for a while and carries several runs. Called every second. */
  look(): void {
    const { threads, placement, maxThreads } = this.#options;
    const all = threads();
    this.#loops = new Map(all.map((thread) => [thread.threadId, this.#measured(thread)]));
    const heldUp = [...this.#loops].filter(([, { busyLooks }]) => busyLooks >= BUSY_LOOKS).map(([id]) => id);
    placement.heldUp = new Set(heldUp);
    // The thread that was warm has ended, another has taken its place.
    const isCold = this.#isKeptWarm && placement.warm.size === 0 && all.length > 0;
    if (isCold && this.#warming === undefined && this.#hasMemory(UNWARMED)) return void this.#warm();
    if (this.#warming !== undefined || all.length >= maxThreads || heldUp.length < all.length) return;
    if (!this.#hasMemory("no thread is added for subagents that hold one another up")) return;
    this.#options.onNote("subagents hold one another up; another thread is started for them");
    void this.#warm();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #measured(thread: GrownThread): { loop: EventLoopUtilization; busyLooks: number } {
    const before = this.#loops.get(thread.threadId);
    const loop = thread.performance.eventLoopUtilization();
    const isShared = (this.#options.placement.loadOf(thread.threadId) ?? 0) >= 2;
    if (before === undefined || !isShared) return { loop, busyLooks: 0 };
    const { utilization } = thread.performance.eventLoopUtilization(loop, before.loop);
    return { loop, busyLooks: utilization >= BUSY ? before.busyLooks + 1 : 0 };
  }

  #warm(): Promise<void> {
    return (this.#warming ??= this.#warmOne().finally(() => (this.#warming = undefined)));
  }

  async #warmOne(): Promise<void> {
    try {
      const failure = await this.#options.warmOne();
      if (failure !== undefined) this.#options.onNote(`a thread for subagents couldn't be warmed: ${failure}`);
      // It has loaded what it could: better than one that hasn't.
      this.#options.placement.warmed();
    } catch (error) {
      this.#options.onNote(`a thread for subagents was lost while it warmed: ${messageOf(error)}`);
    }
  }

  /** Says so once when it has not, until it has again. */
  #hasMemory(consequence: string): boolean {
    const free = this.#options.freeMemory?.() ?? process.availableMemory();
    const isShort = free < NEEDED_BYTES;
    if (isShort && !this.#isShort) {
      const megabytes = Math.round(free / 2 ** 20);
      this.#options.onNote(`only ${megabytes} MB of memory are free, less than 1024: ${consequence}`);
    }
    this.#isShort = isShort;
    return !isShort;
  }
}

const UNWARMED = "the first run of a subagent warms its thread and takes seconds longer";
const LOOK_MS = 1000;
/** So long is what several runs that start at once may well take. */
const BUSY_LOOKS = 5;
const BUSY = 0.9;
const NEEDED_BYTES = 2 ** 30;
