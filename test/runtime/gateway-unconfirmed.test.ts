import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { connectTo, openGateway } from "../helpers/gateway-fixture.ts";
import { askFor, leaveUnanswered } from "../helpers/left-behind.ts";
import type { Faults } from "../helpers/reference-gateway/index.ts";
import { accepted, gate, MAIN, tempFolder } from "../helpers/runtime-fixture.ts";
import { scriptGateway, type Asked } from "../helpers/scripted-gateway.ts";

const REQUESTER = { sessionKey: MAIN, agentId: "main" };
const KEY = "once";

describe("a run whose acceptance was never told", () => {
  it.each<[string, Faults]>([
    ["came too late", { silent: ["agent"] }],
    ["was lost, and nobody is let in any more", { loseAcceptance: true, handshake: { code: 1008, reason: "no" } }],
  ])("because the answer %s, is listed, and its own answer is brought home once", async (_, faults) => {
    const { opened: told, open } = gate();
    const { gateway, model } = await openGateway(async () => (await told, "the answer"));
    const { runtime, host } = await connectTo(gateway, { timeouts: { call: 500 } });
    await runtime.warm();
    await gateway.setFaults(faults);
    const ask = () => runtime.spawn({ task: "pay the bill" }, REQUESTER, { idempotencyKey: KEY });
    const run = accepted(await ask());
    expect((await runtime.list(REQUESTER)).map(({ runId }) => runId)).toEqual([run.runId]);
    await gateway.setFaults({});
    open();
    await host.completionsCame(1);
    expect(await ask()).toEqual(run);
    expect(host.delivered).toMatchObject([{ runId: run.runId, text: "the answer", outcome: { status: "ok" } }]);
    expect(model.requests).toHaveLength(1);
  });

  it("can be ended, and is: nothing is delivered", async () => {
    const { gateway, model } = await openGateway(() => ({ silent: true }));
    const { runtime, host, start, requester } = await connectTo(gateway, { timeouts: { call: 500 } });
    await gateway.setFaults({ silent: ["agent"] });
    const { runId } = await start("a");
    await expect.poll(() => model.requests.length).toBe(1);
    expect(await runtime.kill(runId, requester)).toMatchObject({ status: "ok", runId });
    await expect.poll(() => runtime.stats().runs).toMatchObject({ queued: 0, running: 0 });
    expect((await runtime.list(requester)).map(({ outcome }) => outcome?.status)).toEqual(["killed"]);
    expect(host.deliveries).toEqual([]);
  });

  it("is asked for once more where nothing shows that it was taken, under the same id", async () => {
    const gateway = await scriptGateway({
      agent: ({ count, params, ok }) => {
        if (count > 1) ok({ runId: params["idempotencyKey"], status: "accepted" });
      },
      "agent.wait": ({ params, ok }) => ok({ runId: params["runId"], status: asks() > 1 ? "ok" : "timeout" }),
      "sessions.list": opened,
      "chat.history": ({ ok }) => ok({ messages: asks() > 1 ? TURN : [] }),
    });
    const asks = () => gateway.calls.filter(({ method }) => method === "agent").length;
    const { start, host } = await connectTo(gateway, { timeouts: { call: 500 } });
    const { runId } = await start("a");
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, text: "done", outcome: { status: "ok" } }]);
    expect(
      gateway.calls.flatMap(({ method, params }) => (method === "agent" ? [params["idempotencyKey"]] : [])),
    ).toEqual([runId, runId]);
  });

  it.each([
    ["INVALID_REQUEST", "invalid agent params: no"],
    ["UNAVAILABLE", "Gateway is draining for restart; new tasks are not accepted"],
  ])("is looked for when it is refused that time, %s, and nothing of it is deleted", async (code, message) => {
    let isDone = false;
    const gateway = await scriptGateway({
      agent: ({ count, refuse }) => void (count > 1 && refuse(code, message)),
      "agent.wait": atOnce,
      "sessions.list": (asked) =>
        isDone ? opened(asked, { status: "done", startedAt: 1, endedAt: 2 }) : opened(asked),
      "chat.history": ({ ok }) => ok({ messages: isDone ? TURN : [] }),
    });
    const methods = () => gateway.calls.map(({ method }) => method);
    const { start, host } = await connectTo(gateway, { timeouts: { call: 500 } });
    const { runId } = await start("a");
    await expect.poll(() => methods().filter((method) => method === "agent")).toHaveLength(2);
    const looks = methods().length;
    await expect.poll(() => methods().length).toBeGreaterThan(looks + 4);
    expect(host.deliveries).toEqual([]);
    isDone = true;
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, text: "done", outcome: { status: "ok" } }]);
    expect(methods().filter((method) => method === "agent")).toHaveLength(2);
    expect(methods()).not.toContain("sessions.delete");
  });
});

describe("a run whose process was killed while the gateway was asked for it", () => {
  it("is at work there, and its answer is brought home by the next", async () => {
    const { gateway, model } = await openGateway(() => "the answer");
    const folder = tempFolder();
    const left = await leaveUnanswered(gateway.url, join(folder, "registry.sqlite"), KEY);
    await askFor(gateway, left);
    const { runtime, host } = await connectTo(gateway, { folder });
    expect(await runtime.list(REQUESTER)).toMatchObject([{ runId: left.runId }]);
    const again = await runtime.spawn({ task: "pay the bill" }, REQUESTER, { idempotencyKey: KEY });
    expect(accepted(again).runId).toBe(left.runId);
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId: left.runId, text: "the answer", outcome: { status: "ok" } }]);
    expect(model.requests).toHaveLength(1);
    expect((await gateway.seen()).calls.filter(({ method }) => method === "agent")).toHaveLength(1);
  });

  it("and never came to be asked is interrupted, and isn't asked for", async () => {
    const { gateway, model } = await openGateway(() => "never");
    const folder = tempFolder();
    const { runId } = await leaveUnanswered(gateway.url, join(folder, "registry.sqlite"), KEY);
    const { host } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "interrupted" } }]);
    expect(host.delivered[0]!.outcome.cause!.message).toContain("has nothing of the run");
    expect(model.requests).toEqual([]);
  });

  it("and that has a session with nothing in it is waited for some minutes, and is interrupted then", async () => {
    const gateway = await scriptGateway({ "agent.wait": atOnce, "sessions.list": opened });
    const folder = tempFolder();
    const { runId } = await leaveUnanswered(gateway.url, join(folder, "registry.sqlite"), KEY);
    const { host } = await connectTo(gateway, { folder });
    await expect.poll(() => gateway.calls.length).toBeGreaterThan(10);
    expect(host.deliveries).toEqual([]);
    const steady = performance.now.bind(performance);
    vi.spyOn(performance, "now").mockImplementation(() => steady() + 11 * 60_000);
    onTestFinished(() => void vi.restoreAllMocks());
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "interrupted" } }]);
    expect(gateway.calls.map(({ method }) => method)).not.toContain("agent");
  });
});

/** A session that was opened, as it is listed. */
function opened({ params, ok }: Asked, more: object = {}): void {
  ok({ sessions: [{ key: params["search"], ...more }] });
}

/** Not over, said without waiting. */
function atOnce({ params, ok }: Asked): void {
  ok({ runId: params["runId"], status: "timeout" });
}

const TURN = [
  { role: "user", content: "a" },
  { role: "assistant", content: "done", stopReason: "stop" },
];
