import fc from "fast-check";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { Lane, type LanePlace, type Slot } from "../../src/runtime/lane.ts";
import { collect, gate, MAIN, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

describe("the lane", () => {
  it("takes trees in turn, in a tree its requesters, of a requester the oldest, whatever ends, waits and leaves when", async () => {
    const which = fc.nat();
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("add" as const), tree: fc.nat(3), requester: fc.nat(2) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), which }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), which }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("waited" as const), which }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), which }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 80, size: "max" }),
        async (slots, steps) => {
          const stand = new Stand(slots);
          for (const one of steps) {
            if (one.do === "add") stand.add(one.tree, one.requester);
            if (one.do === "end") await stand.end(one.which);
            if (one.do === "wait") await stand.wait(one.which);
            if (one.do === "waited") await stand.waited(one.which);
            if (one.do === "remove") stand.remove(one.which);
            if (one.do === "turn") await stand.settle();
          }
          await stand.drain();
        },
      ),
      { numRuns: 300 },
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
    const places = fc.array(fc.record({ tree: fc.nat(4), requester: fc.nat(2) }), {
      minLength: 1,
      maxLength: 60,
      size: "max",
    });
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
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25, size: "max" }), async (steps) => {
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

/** A lane with jobs that end and wait when they are told to, beside the model that says what it should do. */
class Stand {
  readonly #lane: Lane;
  readonly #model = new ModelOfLane();
  /** Jobs in the order they began, and those that went on, once for each of their waits. */
  readonly #seen = { began: [] as string[], wentOn: [] as string[] };
  readonly #expected = { began: [] as string[], wentOn: [] as string[] };
  readonly #jobs: Job[] = [];

  constructor(slots: number) {
    this.#lane = new Lane(slots);
  }

  add(tree: number, requester: number): void {
    const id = String(this.#jobs.length);
    const place = { id, tree: `tree ${tree}`, requester: `requester ${tree} ${requester}` };
    const ahead = this.#held.length + this.#model.before(place) - this.#lane.slots + 1;
    expect(this.#lane.outlook().aheadOf(place)).toBe(Math.max(0, ahead));
    const { promise, resolve: end } = Promise.withResolvers<void>();
    const slot = this.#lane.enqueue(place, () => {
      this.#seen.began.push(id);
      return promise;
    });
    this.#jobs.push({ id, place, slot, end, state: "queued", waits: [], over: 0 });
    this.#model.add(place);
  }

  /** What the lane does in a later turn of the loop, the model does here. */
  async settle(): Promise<void> {
    while (this.#held.length < this.#lane.slots && this.#model.waiting.length > 0) {
      const job = this.#jobs[Number(this.#model.next())]!;
      if (job.state === "queued") this.#expected.began.push(job.id);
      job.state = "held";
      this.#goesOn(job);
    }
    for (let i = 0; i < 20 && this.#seen.began.length < this.#expected.began.length; i++) await turn();
    await turn();
    expect(this.#seen).toEqual(this.#expected);
    expect(this.#lane.free).toBe(this.#lane.slots - this.#held.length);
  }

  /** Whatever it waits for, and whether it has a slot or not. */
  async end(which: number): Promise<void> {
    await this.settle();
    const job = one(this.#begun, which);
    if (job === undefined) return;
    if (job.state === "returning") this.#model.remove(job.id);
    job.state = "over";
    this.#goesOn(job);
    job.end();
    await microtasks();
  }

  async wait(which: number): Promise<void> {
    await this.settle();
    const job = one(this.#begun, which);
    if (job === undefined) return;
    if (job.state === "returning") this.#model.remove(job.id);
    job.state = "lent";
    const { promise, resolve } = Promise.withResolvers<void>();
    job.waits.push(resolve);
    void job.slot.without(promise).then(() => this.#seen.wentOn.push(job.id));
  }

  /** One of the things that one waits for has come. */
  async waited(which: number): Promise<void> {
    await this.settle();
    const job = one(
      this.#jobs.filter(({ waits }) => waits.length > 0),
      which,
    );
    if (job === undefined) return;
    job.waits.shift()!();
    job.over += 1;
    if (job.state === "over") this.#goesOn(job);
    else if (job.waits.length === 0) {
      job.state = "returning";
      this.#model.add(job.place);
    }
    await microtasks();
  }

  /** One that hasn't begun; any other takes no notice. */
  remove(which: number): void {
    const job = one(this.#jobs, which);
    if (job === undefined) return;
    this.#lane.remove(job.id);
    if (job.state === "queued") this.#model.remove(job.id);
  }

  /** Everything comes to its end, and the lane is as it was. */
  async drain(): Promise<void> {
    await this.settle();
    while (this.#jobs.some(({ waits }) => waits.length > 0)) await this.waited(0);
    for (await this.settle(); this.#held.length > 0; await this.settle()) {
      await this.end(this.#begun.findIndex(({ state }) => state === "held"));
    }
    expect(this.#model.waiting).toEqual([]);
    expect(this.#begun).toEqual([]);
    expect(this.#lane.free).toBe(this.#lane.slots);
  }

  get #held(): Job[] {
    return this.#jobs.filter(({ state }) => state === "held");
  }

  get #begun(): Job[] {
    return this.#jobs.filter(({ state }) => state !== "queued" && state !== "over");
  }

  #goesOn(job: Job): void {
    for (; job.over > 0; job.over--) this.#expected.wentOn.push(job.id);
  }
}

type Job = {
  id: string;
  place: LanePlace;
  slot: Slot;
  end: () => void;
  state: "queued" | "held" | "lent" | "returning" | "over";
  /** Ends what it waits for. */
  waits: (() => void)[];
  /** Of its waits, those that have come and that it wasn't told of. */
  over: number;
};

function one<T>(of: readonly T[], which: number): T | undefined {
  return of[which % Math.max(1, of.length)];
}

/** A slot is given back a few microtasks after its job's end; the lane fills it in a later turn of the loop. */
async function microtasks(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

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
