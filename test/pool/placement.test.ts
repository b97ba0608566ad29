import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { placeRuns, type Placement } from "../../src/pool/placement.ts";

type Threads = Parameters<Placement["balance"]>[1];
type Task = Parameters<Placement["balance"]>[0];

describe("where the next run goes", () => {
  it("is always a thread with the fewest runs, and crowded threads are told of", () => {
    const usages = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(usages, (busy) => {
        let told = 0;
        const placement = placeRuns(() => (told += 1));
        const chosen = placement.balance(task("run"), threads(busy))!;
        const least = Math.min(...busy);
        expect(chosen.currentUsage).toBe(least);
        expect(told).toBe(least >= 4 ? 1 : 0);
      }),
    );
  });

  it("is a new thread when there is none", () => {
    const placement = placeRuns(notCrowded);
    expect(placement.balance(task("run"), [])).toBeNull();
  });
});

describe("where a warm-up goes", () => {
  it("is each thread once, and one again whose place another has taken", () => {
    const placement = placeRuns(notCrowded);
    const all = threads([0, 0, 0]);
    const warmed = [1, 2, 3].map(() => placement.balance(task("warm"), all)!.id);
    expect(new Set(warmed).size).toBe(3);
    placement.forget(warmed[1]!);
    expect(placement.balance(task("warm"), all)!.id).toBe(warmed[1]);
    expect(placement.balance(task("warm"), all)).not.toBeNull();
  });

  it("is a new thread for one that is added, when those there are were warmed or have carried a run", () => {
    const placement = placeRuns(notCrowded);
    placement.balance(task("run"), threads([0]));
    expect(placement.balance(task("grow"), threads([4]))).toBeNull();
    expect(placement.balance(task("grow"), threads([4, 0]))!.id).toBe(1);
    expect(placement.balance(task("grow"), threads([4, 0]))).toBeNull();
  });
});

function notCrowded(): void {
  throw new Error("no thread here carries many runs");
}

function threads(busy: number[]): Threads {
  return busy.map((currentUsage, id) => ({ id, currentUsage }) as Threads[number]);
}

function task(name: string): Task {
  return { name } as Task;
}
