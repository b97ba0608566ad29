import fc from "fast-check";
import { expect, it } from "vitest";

import { GroupGate } from "../../src/runtime/group-gate.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("lets so many of a batch by at once, in the order they came, whatever ends and is given up when", async () => {
  const step = fc.record({
    do: fc.constantFrom("pass", "pass", "begin", "end", "give up", "turn"),
    group: fc.constantFrom("a", "b"),
    which: fc.nat(30),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 60, size: "max" }),
      async (limit, steps) => {
        const stand = new Stand(limit);
        for (const one of steps) {
          if (one.do === "pass") stand.pass(one.group);
          if (one.do === "begin") stand.begin(one.which);
          if (one.do === "end") stand.end(one.which);
          if (one.do === "give up") stand.giveUp(one.which);
          if (one.do === "turn") await settle();
          for (const group of ["a", "b"]) expect(stand.past(group)).toBeLessThanOrEqual(limit);
        }
        await settle();
        // Nothing is left standing: whoever wasn't given up gets by in the end.
        while (stand.inLane.length + stand.working.size > 0) {
          stand.begin(0);
          stand.end(0);
          await settle();
        }
        for (const group of ["a", "b"]) {
          const came = stand.came.filter((id) => id.startsWith(group) && !stand.gaveUp.has(id));
          expect(stand.entered.filter((id) => id.startsWith(group) && !stand.gaveUp.has(id))).toEqual(came);
        }
      },
    ),
    { numRuns: 100 },
  );
});

it("gives a run that stands in it twice both its turns, one after the other", async () => {
  const gate = new GroupGate();
  const ran: string[] = [];
  const enter = (job: () => Promise<void>): void => void job();
  const first = Promise.withResolvers<void>();
  gate.pass({ id: "r", group: "g", limit: 1 }, enter, () => {
    ran.push("first");
    return first.promise;
  });
  gate.pass({ id: "r", group: "g", limit: 1 }, enter, async () => void ran.push("second"));
  expect(ran).toEqual(["first"]);
  first.resolve();
  await settle();
  expect(ran).toEqual(["first", "second"]);
});

/** A gate, a lane that begins what it is told to, and a record of it all. */
class Stand {
  readonly came: string[] = [];
  readonly entered: string[] = [];
  readonly gaveUp = new Set<string>();
  readonly working = new Map<string, () => void>();
  inLane: { id: string; job: () => Promise<void> }[] = [];
  readonly #gate = new GroupGate();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  pass(group: string): void {
    const id = `${group}${this.came.length}`;
    this.came.push(id);
    const enter = (job: () => Promise<void>): void => {
      this.entered.push(id);
      this.inLane.push({ id, job });
    };
    const job = (): Promise<void> => new Promise((resolve) => this.working.set(id, resolve));
    this.#gate.pass({ id, group, limit: this.#limit }, enter, job);
  }

  begin(which: number): void {
    const [one] = this.inLane.splice(which % (this.inLane.length || 1), 1);
    void one?.job();
  }

  end(which: number): void {
    const id = [...this.working.keys()][which % (this.working.size || 1)];
    if (id === undefined) return;
    this.working.get(id)!();
    this.working.delete(id);
  }

  /** As a kill does: out of the lane, and settled. What is at work goes on until it ends. */
  giveUp(which: number): void {
    const id = this.came[which % (this.came.length || 1)];
    if (id === undefined) return;
    this.inLane = this.inLane.filter((one) => one.id !== id);
    this.gaveUp.add(id);
    this.#gate.settled(id, id[0]);
  }

  /** In the lane or at work; what has ended counts until the loop has turned. */
  past(group: string): number {
    return [...this.inLane.map(({ id }) => id), ...this.working.keys()].filter((id) => id.startsWith(group)).length;
  }
}
