import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";

import { connectTo, openGateway } from "../helpers/gateway-fixture.ts";
import { gate } from "../helpers/runtime-fixture.ts";
import { scriptGateway } from "../helpers/scripted-gateway.ts";

it("a clock that is set makes no restart of the gateway: the run's answer comes", async () => {
  const { runtime, host, gateway, open } = await startOne();
  setClock(2 * 60_000);
  await gateway.dropConnections();
  await expect.poll(async () => (await gateway.seen()).connections).toBe(2);
  await delay(SETTLED_BY_NOW_MS);
  expect(runtime.stats().runs.running).toBe(1);
  open();
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ text: "the answer", outcome: { status: "ok" } }]);
});

it("a process that stood still for ten minutes has tried nothing in them: the run's answer comes", async () => {
  const { runtime, host, gateway, open } = await startOne();
  setClock(10 * 60_000);
  const steady = performance.now.bind(performance);
  vi.spyOn(performance, "now").mockImplementation(() => steady() + 10 * 60_000);
  await gateway.dropConnections();
  await expect.poll(async () => (await gateway.seen()).connections).toBe(2);
  await delay(SETTLED_BY_NOW_MS);
  expect(runtime.stats().runs.running).toBe(1);
  open();
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ text: "the answer", outcome: { status: "ok" } }]);
});

it("a clock that is set, or a moment in which nothing was read, ends no connection", async () => {
  const { host, gateway, open } = await startOne({ tickIntervalMs: 400 });
  setClock(3_600_000);
  // It stands still, too, so that the look at the ticks is due before what came is read.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  await delay(900);
  open();
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ text: "the answer", outcome: { status: "ok" } }]);
  expect((await gateway.seen()).connections).toBe(1);
});

it("a restart is known also when the clock was set back meanwhile", async () => {
  const gateway = await scriptGateway();
  const { start, host } = await connectTo(gateway);
  await start("a");
  gateway.restart();
  setClock(-3_600_000);
  await host.completionsCame(1);
  expect(host.delivered[0]!.outcome).toMatchObject({ status: "interrupted", cause: { code: "run_interrupted" } });
  expect(host.delivered[0]!.outcome.cause!.message).toContain("restarted");
});

it("an end that was slept through, and that the gateway remembers only by the session, is found", async () => {
  const gateway = await scriptGateway({
    agent: ({ params, ok, tell }) => {
      const runId = params["idempotencyKey"];
      ok({ runId, status: "accepted" });
      tell("agent", { runId, stream: "lifecycle", data: { phase: "start" } });
    },
    "agent.wait": ({ count, params, ok }) => {
      // The connection holds, but the first answer comes an hour later.
      if (count === 1) setClock(3_600_000);
      ok({ runId: params["runId"], status: "timeout" });
    },
    "chat.history": ({ ok }) => ok({ messages: [{ role: "user" }, { role: "assistant", content: "meanwhile" }] }),
    "sessions.list": ({ params, ok }) =>
      ok({ sessions: [{ key: params["search"], status: "done", startedAt: 1, endedAt: 2 }] }),
  });
  const { start, host } = await connectTo(gateway);
  await start("a");
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ text: "meanwhile", outcome: { status: "ok" } }]);
});

async function startOne(options: { tickIntervalMs?: number } = {}) {
  const { opened, open } = gate();
  const { gateway, model } = await openGateway(async () => (await opened, "the answer"), options);
  const { runtime, host, start } = await connectTo(gateway);
  await start("a");
  await expect.poll(() => model.requests.length).toBe(1);
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  return { runtime, host, gateway, open };
}

function setClock(ms: number): void {
  const real = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => real() + ms);
  onTestFinished(() => void vi.restoreAllMocks());
}

/** The first try after a break comes 250 ms later, and what it finds is settled at once. */
const SETTLED_BY_NOW_MS = 1_500;
