import fc from "fast-check";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { Lane, type LanePlace } from "../../src/runtime/lane.ts";
import { collect, gate, MAIN, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

describe("the lane", () => {
  it("starts jobs in the order they came, never more at once than it has slots, whatever ends and leaves when", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const) }),
      fc.record({ do: fc.constant("end" as const), which: fc.nat() }),
      fc.record({ do: fc.constant("remove" as const), which: fc.nat() }),
      fc.record({ do: fc.constant("turn" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (slots, steps) => {
        const lane = new Lane(slots);
        const started: string[] = [];
        const removed = new Set<string>();
        const running = new Map<string, () => void>();
        const job = (id: string) => (): Promise<void> => {
          started.push(id);
          return new Promise((resolve) => running.set(id, resolve));
        };
        let added = 0;
        const end = (id: string | undefined): void => {
          if (id === undefined) return;
          running.get(id)!();
          running.delete(id);
        };
        for (const one of steps) {
          if (one.do === "add") lane.enqueue(place(added), job(String(added++)));
          if (one.do === "end") end([...running.keys()][one.which % running.size]);
          if (one.do === "remove" && added > 0) {
            const id = String(one.which % added);
            if (!started.includes(id)) removed.add(id);
            lane.remove(id);
          }
          if (one.do === "turn") await turn();
          expect(running.size).toBeLessThanOrEqual(slots);
        }
        await turn();
        const waiting = added - removed.size - started.length;
        expect(lane.aheadOf(0)).toBe(Math.max(0, running.size + waiting - slots + 1));
        expect(lane.aheadOf(3)).toBe(Math.max(0, running.size + waiting + 3 - slots + 1));
        while (started.length < added - removed.size) {
          end(running.keys().next().value);
          await turn();
        }
        const order = Array.from({ length: added }, (_, id) => String(id)).filter((id) => !removed.has(id));
        expect(started).toEqual(order);
      }),
      { numRuns: 50 },
    );
  });
});

describe("runs over the lane", () => {
  it("are queued, say how many are ahead of them, and start in the order they came", async () => {
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

function place(n: number): LanePlace {
  return { id: String(n), tree: `tree ${n % 3}`, requester: `requester ${n % 5}` };
}

let rounds = 0;
