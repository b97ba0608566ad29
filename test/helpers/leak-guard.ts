/** Sees what a test leaves behind: threads, ports, sockets, child processes, timers that would keep the process. */

import type { Worker } from "node:worker_threads";

/** What is in use, each kind with how often. */
export type Resources = Map<string, number>;

/** Threads are counted from the first import of this file on. */
export function resourcesInUse(): Resources {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo().filter((one) => WATCHED.has(one))) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return threads.size === 0 ? counts : counts.set("Thread", threads.size);
}

/** Waits until nothing is in use beyond `before`; resolves with what still is when the time is up. */
export async function leftBehind(before: Resources, withinMs = 5_000): Promise<string[]> {
  const until = performance.now() + withinMs;
  for (;;) {
    const more = beyond(before);
    if (more.length === 0 || performance.now() > until) return more;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What is in use at this moment beyond `before`. */
export function beyond(before: Resources): string[] {
  return [...resourcesInUse()].flatMap(([name, count]) => {
    const more = count - (before.get(name) ?? 0);
    return more > 0 ? [`${more} × ${name}`] : [];
  });
}

const threads = new Set<Worker>();
process.on("worker", (thread: Worker) => {
  threads.add(thread);
  thread.once("exit", () => threads.delete(thread));
});

/** Timers that were unref'd aren't in Node's list, and neither is what waits without keeping the process. */
const WATCHED = new Set(["MessagePort", "TCPServerWrap", "TCPSocketWrap", "ProcessWrap", "Timeout"]);
