import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Crowding } from "../../src/pool/crowding.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a thread is added", () => {
  it("a while after runs were crowded, one at a time", async () => {
    const { crowding, threads, warmed } = crowded();
    crowding.seen();
    await vi.advanceTimersByTimeAsync(999);
    crowding.seen();
    expect(threads()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(threads()).toBe(2);
    crowding.seen();
    await vi.advanceTimersByTimeAsync(2000);
    expect(threads()).toBe(2);
    warmed();
    await vi.advanceTimersByTimeAsync(0);
    crowding.seen();
    await vi.advanceTimersByTimeAsync(1000);
    expect(threads()).toBe(3);
  });

  it("not beyond the most allowed, nor when the pool has stopped", async () => {
    const { crowding, threads, state } = crowded();
    state.mayAddOne = false;
    crowding.seen();
    await vi.advanceTimersByTimeAsync(1000);
    state.mayAddOne = true;
    crowding.seen();
    await crowding.stop();
    crowding.seen();
    await vi.advanceTimersByTimeAsync(1000);
    expect(threads()).toBe(1);
  });

  it("and what went wrong with it is said", async () => {
    const { crowding, warmed, lost, notes } = crowded();
    crowding.seen();
    await vi.advanceTimersByTimeAsync(1000);
    warmed("no room");
    await vi.advanceTimersByTimeAsync(0);
    crowding.seen();
    await vi.advanceTimersByTimeAsync(1000);
    lost("it ended");
    await vi.advanceTimersByTimeAsync(0);
    expect(notes).toEqual([
      "a thread for subagents couldn't be warmed: no room",
      "a thread for subagents was lost while it warmed: it ended",
    ]);
  });

  it("which is waited for by a stop that comes in between, and isn't missed when the stop ends it", async () => {
    const { crowding, lost, notes } = crowded();
    crowding.seen();
    await vi.advanceTimersByTimeAsync(1000);
    let stopped = false;
    const stopping = crowding.stop().then(() => (stopped = true));
    await vi.advanceTimersByTimeAsync(2000);
    expect(stopped).toBe(false);
    lost("it was ended");
    await stopping;
    expect(notes).toEqual([]);
  });
});

function crowded() {
  const state = { mayAddOne: true };
  const notes: string[] = [];
  let threads = 1;
  let added = Promise.withResolvers<string | undefined>();
  const crowding = new Crowding({
    mayAddOne: () => state.mayAddOne,
    addOne: () => {
      threads += 1;
      added = Promise.withResolvers();
      return added.promise;
    },
    onNote: (text) => void notes.push(text),
  });
  return {
    crowding,
    state,
    notes,
    threads: () => threads,
    warmed: (failure?: string) => added.resolve(failure),
    lost: (why: string) => added.reject(new Error(why)),
  };
}
