import { performance } from "node:perf_hooks";
import { afterEach, describe, expect, it } from "vitest";

import { Growth, type GrownThread } from "../../src/pool/growth.ts";
import { placeOnWarm, type WarmPlacement } from "../../src/pool/placement.ts";

type Workers = Parameters<WarmPlacement["balance"]>[1];
type Task = Parameters<WarmPlacement["balance"]>[0];

const running: Growth[] = [];
afterEach(() => running.splice(0).forEach((growth) => growth.stop()));

describe("the threads of a gateway's own runner", () => {
  it("are warmed one by one: runs keep to the warm ones, and to those whose loop turns", () => {
    const placement = placeOnWarm({ maxThreads: 2 });
    expect(placement.balance(task("run"), workers(1))!.id).toBe(1);
    expect(placement.balance(task("warm"), workers(1))!.id).toBe(1);
    placement.warmed();
    expect(placement.balance(task("warm"), workers(1))).toBeNull();
    expect(placement.balance(task("warm"), workers(1, 2))!.id).toBe(2);
    expect(placement.balance(task("run"), workers(1, 2))!.id).toBe(1);
    placement.warmed();
    placement.heldUp = new Set([1]);
    expect(placement.balance(task("run"), workers(1, 2))!.id).toBe(2);
    placement.heldUp = new Set([1, 2]);
    expect(placement.balance(task("run"), workers(1, 2))).not.toBeNull();
    placement.forget(2);
    expect([...placement.warm]).toEqual([1]);
  });

  it("become more when several runs keep each of them busy for seconds, and not before", async () => {
    const { growth, notes, warmed, place, keepBusy } = grown({});
    await growth.first();
    expect(warmed()).toBe(1);
    place(1);
    keepBusy(8);
    expect(warmed()).toBe(1);
    place(2);
    keepBusy(4);
    expect(warmed()).toBe(1);
    keepBusy(3);
    expect(warmed()).toBe(2);
    expect(notes).toEqual([expect.stringContaining("another thread is started")]);
  });

  it("aren't warmed, nor become more, where memory is short, which is said once", async () => {
    const memory = { free: 2 ** 29 };
    const { growth, notes, warmed, place, keepBusy } = grown(memory);
    await growth.first();
    place(4);
    keepBusy(10);
    expect(warmed()).toBe(0);
    expect(notes).toEqual(["only 512 MB of memory are free, less than 1024: " + UNWARMED]);
    memory.free = 2 ** 31;
    keepBusy(1);
    expect(warmed()).toBe(1);
  });

  it("are warmed again when the warm one has ended and another took its place", async () => {
    const { growth, warmed, placement, keepBusy } = grown({});
    const first = growth.first();
    expect(growth.firstWarm).toBeDefined();
    await first;
    keepBusy(1);
    expect(warmed()).toBe(1);
    placement.forget(1);
    keepBusy(2);
    expect(warmed()).toBe(2);
    await growth.firstWarm;
    expect(placement.warm.size).toBe(1);
  });

  it("say why a warm-up failed, and take runs all the same", async () => {
    const { growth, notes, placement } = grown({ failure: "its plugin is broken" });
    await growth.first();
    expect(notes).toEqual([expect.stringContaining("its plugin is broken")]);
    expect(placement.warm.size).toBe(1);
    expect(growth.firstWarm).toBeUndefined();
  });
});

/** One thread, busy whenever it is looked at. */
function grown(facts: { free?: number; failure?: string }) {
  const placement = placeOnWarm({ maxThreads: 2 });
  const notes: string[] = [];
  let warmed = 0;
  const growth = new Growth({
    placement,
    maxThreads: 2,
    threads: () => [BUSY],
    warmOne: () => {
      warmed += 1;
      placement.balance(task("warm"), workers(1));
      return Promise.resolve(facts.failure);
    },
    onNote: (text) => void notes.push(text),
    freeMemory: () => facts.free ?? 2 ** 31,
  });
  running.push(growth);
  return {
    growth,
    notes,
    placement,
    warmed: () => warmed,
    place: (runs: number) => void placement.balance(task("run"), [{ id: 1, currentUsage: runs }] as unknown as Workers),
    keepBusy: (looks: number) => Array.from({ length: looks }).forEach(() => growth.look()),
  };
}

const BUSY: GrownThread = {
  threadId: 1,
  performance: { eventLoopUtilization: () => ({ ...performance.eventLoopUtilization(), utilization: 1 }) },
};
const UNWARMED = "the first run of a subagent warms its thread and takes seconds longer";

function workers(...ids: number[]): Workers {
  return ids.map((id) => ({ id, currentUsage: 0 })) as Workers;
}

function task(name: string): Task {
  return { name } as Task;
}
