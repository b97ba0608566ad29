/** Which thread takes the next task: piscina's own balancer packs one thread full before it looks at the next. */

import type { Piscina } from "piscina";
import type { PoolConfig } from "../config.ts";

export type Placement = {
  /** Null asks piscina for a new thread; the task waits for it. */
  balance: PiscinaLoadBalancer;
  /** Tasks on each thread when a task was last placed. */
  loads(): number[];
  /** A thread is gone. */
  forget(threadId: number): void;
};

export function placeRuns(threads: Pick<PoolConfig, "maxThreads">): Placement {
  const warmed = new Set<number>();
  let seen: Worker[] = [];

  return {
    balance(task, workers) {
      seen = workers;
      if (task.name === "warm") return takeUnwarmed(workers, warmed);
      const least = leastBusy(workers);
      if (least === null) return null;
      return least.currentUsage >= GROW_AT && workers.length < threads.maxThreads ? null : least;
    },
    loads: () => seen.map((worker) => worker.currentUsage),
    forget: (threadId) => void warmed.delete(threadId),
  };
}

function leastBusy(workers: Worker[]): Worker | null {
  return workers.reduce<Worker | null>(
    (least, worker) => (least === null || worker.currentUsage < least.currentUsage ? worker : least),
    null,
  );
}

/** Each warm-up goes to a thread that had none; when all had theirs, to the least busy one. */
function takeUnwarmed(workers: Worker[], warmed: Set<number>): Worker | null {
  const fresh = workers.find((worker) => !warmed.has(worker.id)) ?? leastBusy(workers);
  if (fresh) warmed.add(fresh.id);
  return fresh;
}

type PiscinaLoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>["loadBalancer"]>;
type Worker = Parameters<PiscinaLoadBalancer>[1][number];

/** Runs wait for the network most of the time, so a thread takes a few before another is worth its memory. */
const GROW_AT = 4;
