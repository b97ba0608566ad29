import fc from "fast-check";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { Lane, type LanePlace } from "../../src/runtime/lane.ts";
import { collect, gate, MAIN, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

describe("the lane", () => {
  it("takes trees in turn, in a tree its requesters, of a requester the oldest, whatever ends and leaves when", async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("add" as const), tree: fc.nat(3), requester: fc.nat(2) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), async (slots, steps) => {
        const lane = new Lane(slots);
        const model = new ModelOfLane();
        const started: string[] = [];
        const expected: string[] = [];
        const running = new Map<string, () => void>();
        const job = (id: string) => (): Promise<void> => {
          started.push(id);
          return new Promise((resolve) => running.set(id, resolve));
        };
        let added = 0;
        // What the lane does in a later turn of the loop, the model does here.
        const settle = async (): Promise<void> => {
          for (let free = slots - running.size; free > 0 && model.waiting.length > 0; free--)
            expected.push(model.next());
          for (let i = 0; i < 20 && started.length < expected.length; i++) await turn();
          expect(started).toEqual(expected);
          expect(running.size).toBeLessThanOrEqual(slots);
        };
        const end = async (id: string | undefined): Promise<void> => {
          if (id === undefined) return;
          running.get(id)!();
          running.delete(id);
          // Its slot is given back a few microtasks later; the lane fills it in a later turn of the loop.
          for (let i = 0; i < 5; i++) await Promise.resolve();
        };
        for (const one of steps) {
          if (one.do === "add") {
            const id = String(added++);
            const place = { id, tree: `tree ${one.tree}`, requester: `requester ${one.tree} ${one.requester}` };
            expect(lane.outlook().aheadOf(place)).toBe(Math.max(0, running.size + model.before(place) - slots + 1));
            lane.enqueue(place, job(id));
            model.add(place);
          }
          if (one.do === "end") {
            await settle();
            await end([...running.keys()][one.which % Math.max(1, running.size)]);
          }
          if (one.do === "remove" && added > 0) {
            const id = String(one.which % added);
            lane.remove(id);
            model.remove(id);
          }
          if (one.do === "turn") await settle();
        }
        await settle();
        while (running.size > 0) {
          await end(running.keys().next().value);
          await settle();
        }
        expect(model.waiting).toEqual([]);
        await turn();
        expect(started).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it("tells each of a burst where it would stand behind those before it", () => {
    const outlook = new Lane(1).outlook();
    const stands = ["a", "a", "b", "a"].map((tree, index) => {
      const one = { id: String(index), tree, requester: tree };
      const ahead = outlook.aheadOf(one);
      outlook.join(one);
      return ahead;
    });
    // The third is for a tree that has nobody yet: it goes before the second of the other tree.
    expect(stands).toEqual([0, 1, 1, 3]);
  });

  it("lets a tree be passed by each other tree once at most between two of its own", async () => {
    const places = fc.array(fc.record({ tree: fc.nat(4), requester: fc.nat(2) }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(places, async (all) => {
        const lane = new Lane(1);
        const trees: number[] = [];
        all.forEach(({ tree, requester }, id) =>
          lane.enqueue({ id: String(id), tree: String(tree), requester: `${tree} ${requester}` }, async () => {
            trees.push(tree);
          }),
        );
        while (trees.length < all.length) await turn();
        for (const own of new Set(trees)) {
          const turns = trees.flatMap((tree, at) => (tree === own ? [at] : []));
          [-1, ...turns.slice(0, -1)].forEach((from, index) => {
            const between = trees.slice(from + 1, turns[index]);
            expect(new Set(between).size, `between two turns of ${own} in ${trees.join(" ")}`).toBe(between.length);
          });
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("runs over the lane", () => {
  it("of one requester are queued, say how many are ahead of them, and start in the order they came", async () => {
    const { opened, open } = gate();
    const server = await serveModel(() => opened.then(() => "done"));
    const { start, runtime, requester, host } = await startRuntime({
      model: server.model,
      limits: { maxConcurrent: 1, maxChildrenPerAgent: 10 },
    });
    const events = collect(runtime.events());
    const results = [];
    for (const name of ["a", "b", "c", "d"]) results.push(await start({ task: name, label: name }));
    expect(results.map((result) => result.queuePosition)).toEqual([undefined, 1, 2, 3]);
    await expect.poll(() => server.requests.length).toBe(1);
    expect((await runtime.list(requester)).map((run) => run.state)).toEqual(["running", "queued", "queued", "queued"]);
    expect(runtime.stats().runs).toMatchObject({ running: 1, queued: 3 });
    open();
    await host.completionsCame(4);
    expect(server.requests.map((request) => request.lastUserText.at(-1))).toEqual(["a", "b", "c", "d"]);
    const positions = events.flatMap((event) => (event.type === "accepted" ? [event.queuePosition] : []));
    expect(positions).toEqual([0, 1, 2, 3]);
  });

  it("beyond maxQueue are refused with the number that wait, and leave nothing", async () => {
    const { opened, open } = gate();
    const server = await serveModel(() => opened.then(() => "done"));
    const { start, runtime, requester, host } = await startRuntime({
      model: server.model,
      limits: { maxConcurrent: 1, maxChildrenPerAgent: 20 },
      subagents: { pool: { maxQueue: 2 } },
    });
    await start("runs");
    await expect.poll(() => server.requests.length).toBe(1);
    await start("waits");
    await start("waits too");
    const refused = await runtime.spawn({ task: "one too many" }, requester);
    expect(refused).toMatchObject({ status: "forbidden" });
    expect((refused as { error: string }).error).toMatch(/^2 .*maxQueue is 2/);
    expect(await runtime.list(requester)).toHaveLength(3);
    open();
    await host.completionsCame(3);
    await start("welcome again");
  });

  it("never reach the model more at a time than maxConcurrent", async () => {
    const { opened, open } = gate();
    let now = 0;
    let most = 0;
    const server = await serveModel(async ({ index }) => {
      most = Math.max(most, ++now);
      await (index < 3 ? opened : sleep(5));
      now -= 1;
      return "done";
    });
    const { start, requester, host } = await startRuntime({
      model: server.model,
      limits: { maxConcurrent: 3 },
      subagents: { pool: { minThreads: 2, maxThreads: 2 } },
    });
    const by = (n: number) => ({ ...requester, sessionKey: `agent:main:s${n % 6}` });
    await Promise.all(Array.from({ length: 24 }, (_, n) => start(`task ${n}`, by(n))));
    await expect.poll(() => now).toBe(3);
    await sleep(50);
    open();
    await expect.poll(() => host.delivered.length, { timeout: 20_000 }).toBe(24);
    expect(most).toBe(3);
  });
});

it("no session has more active children than allowed, whatever spawns, settles and is killed at once", async () => {
  const limit = 3;
  const { runtime, host } = await startRuntime({
    engine: "by-task",
    limits: { maxConcurrent: 4, maxChildrenPerAgent: limit },
  });
  const step = fc.record({
    session: fc.nat({ max: 2 }),
    kind: fc.constantFrom("echo", "waits", "throws", "kill", "look"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const round = `${MAIN}:${rounds++}`;
      const outcomes = steps.map(async ({ session, kind }) => {
        const by = { sessionKey: `${round}:${session}`, agentId: "main" };
        if (kind === "kill") return void (await runtime.kill("last", by));
        if (kind !== "look") await runtime.spawn({ task: kind }, by);
        const active = (await runtime.list(by)).filter((run) => run.state !== "settled");
        expect(active.length).toBeLessThanOrEqual(limit);
        expect(runtime.stats().runs.running).toBeLessThanOrEqual(4);
      });
      await Promise.all(outcomes);
      for (const session of [0, 1, 2]) {
        const by = { sessionKey: `${round}:${session}`, agentId: "main" };
        await runtime.kill("all", by);
        expect((await runtime.list(by)).every((run) => run.state === "settled" && run.outcome !== undefined)).toBe(
          true,
        );
      }
    }),
    { numRuns: 15 },
  );
  await expect.poll(() => runtime.stats().outbox.pending).toBe(0);
  const keys = host.delivered.map((completion) => completion.key);
  expect(new Set(keys).size).toBe(keys.length);
});

/** The order as it is told in words: a plain list of those that wait, and whose turn it is of the trees and requesters. */
class ModelOfLane {
  waiting: LanePlace[] = [];
  #trees: string[] = [];
  #requesters: string[] = [];

  add(place: LanePlace): void {
    this.waiting.push(place);
    if (!this.#trees.includes(place.tree)) this.#trees.push(place.tree);
    if (!this.#requesters.includes(place.requester)) this.#requesters.push(place.requester);
  }

  next(): string {
    const tree = this.#trees.shift()!;
    const requester = this.#requesters.find((one) =>
      this.waiting.some((item) => item.tree === tree && item.requester === one),
    )!;
    const item = this.waiting.find((one) => one.requester === requester)!;
    this.#requesters = [...this.#requesters.filter((one) => one !== requester), requester];
    this.#trees.push(tree);
    this.remove(item.id);
    return item.id;
  }

  remove(id: string): void {
    this.waiting = this.waiting.filter((item) => item.id !== id);
    this.#trees = this.#trees.filter((tree) => this.waiting.some((item) => item.tree === tree));
    this.#requesters = this.#requesters.filter((one) => this.waiting.some((item) => item.requester === one));
  }

  /** How many go before one more: found by letting it in and playing on. */
  before(place: LanePlace): number {
    const copy = new ModelOfLane();
    copy.waiting = [...this.waiting];
    copy.#trees = [...this.#trees];
    copy.#requesters = [...this.#requesters];
    copy.add(place);
    for (let before = 0; ; before++) if (copy.next() === place.id) return before;
  }
}

let rounds = 0;
