import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { placeRuns, type Placement } from "../../src/pool/placement.ts";

type Threads = Parameters<Placement["balance"]>[1];
type Task = Parameters<Placement["balance"]>[0];

describe("where the next run goes", () => {
  it("is always a thread with the fewest runs, or a new one while there may be more", () => {
    const usages = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(usages, fc.integer({ min: 1, max: 6 }), (busy, maxThreads) => {
        const chosen = placeRuns({ maxThreads }).balance(task("run"), threads(busy));
        const least = Math.min(...busy);
        if (chosen === null) return least > 0 && busy.length < maxThreads;
        return chosen.currentUsage === least;
      }),
    );
  });

  it("is a new thread when there is none", () => {
    expect(placeRuns({ maxThreads: 2 }).balance(task("run"), [])).toBeNull();
  });
});

describe("where a warm-up goes", () => {
  it("is each thread once, and one again whose place another has taken", () => {
    const placement = placeRuns({ maxThreads: 3 });
    const all = threads([0, 0, 0]);
    const warmed = [1, 2, 3].map(() => placement.balance(task("warm"), all)!.id);
    expect(new Set(warmed).size).toBe(3);
    placement.forget(warmed[1]!);
    expect(placement.balance(task("warm"), all)!.id).toBe(warmed[1]);
  });
});

function threads(busy: number[]): Threads {
  return busy.map((currentUsage, id) => ({ id, currentUsage }) as Threads[number]);
}

function task(name: string): Task {
  return { name } as Task;
}
