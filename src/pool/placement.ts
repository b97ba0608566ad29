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

/**
 * Runs go to a thread there is, and never wait for one that starts.
 * @param onCrowded a run was placed where every thread carries so many that another would be of use
 */
export function placeRuns(onCrowded: () => void): Placement {
  const warmed = new Set<number>();
  let seen: Worker[] = [];

  return {
    balance(task, workers) {
      seen = workers;
      if (task.name === "grow") return unwarmed(workers, warmed);
      if (task.name === "warm") return unwarmed(workers, warmed) ?? leastBusy(workers);
      const least = leastBusy(workers);
      if (least === null) return null;
      // What runs on a thread warms it.
      warmed.add(least.id);
      if (least.currentUsage >= GROW_AT) onCrowded();
      return least;
    },
    loads: () => seen.map((worker) => worker.currentUsage),
    forget: (threadId) => void warmed.delete(threadId),
  };
}

export type WarmPlacement = Placement & {
  /** The thread that the last warm-up went to has been through it. */
  warmed(): void;
  /** Tasks on a thread now; undefined when it isn't known. */
  loadOf(threadId: number): number | undefined;
  /** Threads that runs go to. */
  readonly warm: ReadonlySet<number>;
  /** Threads whose loop is held up by what runs on them; runs go elsewhere while there is another. */
  heldUp: ReadonlySet<number>;
};

/** For threads that take seconds to become of use: runs go to those that have, while there is one. */
export function placeOnWarm(threads: Pick<PoolConfig, "maxThreads">): WarmPlacement {
  const warm = new Set<number>();
  let warming: number | undefined;
  let seen: Worker[] = [];

  const placement: WarmPlacement = {
    warm,
    heldUp: new Set(),
    balance(task, workers) {
      seen = workers;
      if (task.name !== "warm") {
        const ready = workers.filter((worker) => warm.has(worker.id));
        const free = ready.filter((worker) => !placement.heldUp.has(worker.id));
        return leastBusy([free, ready, workers].find((some) => some.length > 0) ?? []);
      }
      const cold = workers.find((worker) => !warm.has(worker.id));
      if (cold === undefined && workers.length < threads.maxThreads) return null;
      const chosen = cold ?? leastBusy(workers);
      warming = chosen?.id;
      return chosen;
    },
    warmed() {
      if (warming !== undefined) warm.add(warming);
      warming = undefined;
    },
    loadOf: (threadId) => seen.find((worker) => worker.id === threadId)?.currentUsage,
    loads: () => seen.map((worker) => worker.currentUsage),
    forget(threadId) {
      warm.delete(threadId);
      if (warming === threadId) warming = undefined;
    },
  };
  return placement;
}

function leastBusy(workers: Worker[]): Worker | null {
  return workers.reduce<Worker | null>(
    (least, worker) => (least === null || worker.currentUsage < least.currentUsage ? worker : least),
    null,
  );
}

/** Each warm-up goes to a thread that had none. */
function unwarmed(workers: Worker[], warmed: Set<number>): Worker | null {
  const fresh = workers.find((worker) => !warmed.has(worker.id)) ?? null;
  if (fresh) warmed.add(fresh.id);
  return fresh;
}

type PiscinaLoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>["loadBalancer"]>;
type Worker = Parameters<PiscinaLoadBalancer>[1][number];

/** Runs wait for the network most of the time, so a thread takes a few before another is worth its memory. */
const GROW_AT = 4;
