/** How late the loop of this thread is while something runs. */

import { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds, the timer's own one included. */
export type LoopDelay = { p50: number; p99: number; max: number };
export type LoopWatch = { end(): Promise<LoopDelay> };

export async function loopDelayOf(work: () => Promise<unknown>): Promise<LoopDelay> {
  const watch = await watchLoop();
  await work();
  return watch.end();
}

export async function watchLoop(): Promise<LoopWatch> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  // What comes before its first tick isn't counted, and that may be the longest of all.
  while (delay.count === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  return {
    async end() {
      // One more tick, which a stall at the very end would have made late.
      await new Promise((resolve) => setTimeout(resolve, 2));
      delay.disable();
      return { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 };
    },
  };
}
