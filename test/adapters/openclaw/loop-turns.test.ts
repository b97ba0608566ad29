import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { leftToGoOn } from "../../../src/adapters/openclaw/loop-turns.ts";

let clock = 0;
beforeEach(() => void vi.spyOn(performance, "now").mockImplementation(() => clock));
afterEach(() => void vi.restoreAllMocks());

describe("calls that were answered go on", () => {
  it("after what was begun before them", async () => {
    const order: string[] = [];
    setImmediate(() => order.push("set out"));
    const going = leftToGoOn().then(() => order.push("went on"));
    order.push("answered");
    await going;
    expect(order).toEqual(["answered", "set out", "went on"]);
  });

  it("in one turn of the loop while they take little of it", async () => {
    expect(await turnsOf([3, 3, 3, 3, 3])).toEqual([1, 1, 1, 1, 1]);
  });

  it("in one turn each when each takes long", async () => {
    expect(await turnsOf([30, 30, 30, 30, 30])).toEqual([1, 2, 3, 4, 5]);
  });

  it("in order, as many in a turn as it takes to fill it", async () => {
    expect(await turnsOf([10, 10, 10, 40, 1, 1])).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it("as if nothing had been, when nobody has waited for long", async () => {
    await turnsOf([100]);
    expect(await turnsOf([3, 3])).toEqual([1, 1]);
  });
});

/** Answered at once; each takes so many milliseconds when it goes on. @returns in which turn of the loop each did */
async function turnsOf(taking: number[]): Promise<number[]> {
  let turn = 0;
  const count = (): void => {
    turn += 1;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const turns: number[] = [];
  await Promise.all(
    taking.map(async (ms) => {
      await leftToGoOn();
      turns.push(turn);
      clock += ms;
    }),
  );
  clearImmediate(counting);
  return turns;
}
