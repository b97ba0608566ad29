import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import type { RunEvent } from "../../src/events.ts";
import { EventHub } from "../../src/runtime/event-hub.ts";
import { collect, gate, MAIN, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

describe("events of runs", () => {
  it("tell a run's whole story in order, without its text", async () => {
    const server = await serveModel(({ afterToolResult }) =>
      afterToolResult ? "Done." : { text: "Looking.", toolCalls: [{ name: "list", args: { path: "." } }] },
    );
    const { start, runtime, host } = await startRuntime({ model: server.model });
    const events = collect(runtime.events());
    const run = await start({ task: "look around", label: "Scout" });
    await expect.poll(() => events.at(-1)?.type, { timeout: 15_000 }).toBe("delivered");
    expect(events.map((event) => event.type)).toEqual([
      ...["accepted", "started", "model_request", "usage", "tool_start", "tool_end"],
      ...["model_request", "usage", "settled", "delivered"],
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ runId: run.runId, sessionKey: run.childSessionKey, requesterSessionKey: MAIN });
      expect(Math.abs(event.at - Date.now())).toBeLessThan(60_000);
    }
    expect(events.find((event) => event.type === "tool_start")).toMatchObject({ tool: "list", detail: "." });
    expect(events.find((event) => event.type === "settled")).toMatchObject({
      outcome: { status: "ok" },
      text: "Done.",
    });
    expect(host.delivered).toHaveLength(1);
  });

  it("carry the whole text, piece by piece, to whoever asks for it", async () => {
    const text = "Grüße an alle. ".repeat(200);
    const server = await serveModel(() => ({ text, chunkChars: 16, delayMs: 1 }));
    const { start, runtime, host } = await startRuntime({ model: server.model });
    const all = collect(runtime.events({ text: true }));
    const quiet = collect(runtime.events());
    await start("talk");
    await host.deliveredTimes(1);
    const pieces = all.flatMap((event) => (event.type === "text" ? [event.text] : []));
    expect(pieces.join("")).toBe(text);
    expect(pieces.length).toBeGreaterThan(1);
    expect(quiet.some((event) => event.type === "text")).toBe(false);
  });

  it("begin to carry text when somebody starts to watch in the midst of a run, and stop when nobody does", async () => {
    const more = gate();
    const server = await serveModel(async ({ index }) => {
      if (index === 1) await more.opened;
      return index === 0
        ? { text: "unseen", toolCalls: [{ name: "list", args: {} }] }
        : { text: "seen ".repeat(50), chunkChars: 5, delayMs: 2 };
    });
    const { start, runtime, host } = await startRuntime({ model: server.model });
    await start("talk");
    await expect.poll(() => server.requests.length).toBe(2);
    const watching = collect(runtime.events({ text: true }));
    await sleep(50);
    more.open();
    await host.deliveredTimes(1);
    const text = watching.map((event) => (event.type === "text" ? event.text : "")).join("");
    expect(text).toBe("seen ".repeat(50));
  });

  it("can be narrowed to one run, or to one session's tree", async () => {
    const { start, runtime, requester, host } = await startRuntime({ engine: "by-task" });
    const other = { ...requester, sessionKey: "agent:main:other" };
    const ofOther = collect(runtime.events({ rootSessionKey: other.sessionKey }));
    const first = await start("echo one");
    const ofOne = collect(runtime.events({ runId: first.runId }));
    const second = await start("echo two", other);
    await host.completionsCame(2);
    expect(new Set(ofOther.map((event) => event.runId))).toEqual(new Set([second.runId]));
    expect(new Set(ofOne.map((event) => event.runId))).toEqual(new Set([first.runId]));
  });

  it("end for their consumer when the runtime closes, what had happened first", async () => {
    const { start, runtime, close } = await startRuntime({ engine: "by-task" });
    const events: RunEvent[] = [];
    const watching = (async () => {
      for await (const event of runtime.events()) events.push(event);
    })();
    await start("waits");
    await close();
    await watching;
    expect(events.map((event) => event.type)).toContain("settled");
    expect(() => runtime.events()).toThrow(expect.objectContaining({ code: "runtime_closed" }) as Error);
  });
});

describe("an event hub", () => {
  it("drops text for a consumer that doesn't keep up, and nothing else", async () => {
    const hub = new EventHub();
    const consumer = hub.subscribe({ text: true });
    for (let n = 0; n < 30_000; n++) hub.publish(event({ type: "text", text: "x" }), MAIN);
    for (let n = 0; n < 500; n++) hub.publish(event({ type: "waiting", children: n }), MAIN);
    hub.close();
    const seen: RunEvent[] = [];
    for await (const one of consumer) seen.push(one);
    expect(seen.filter((one) => one.type === "waiting")).toHaveLength(500);
    expect(seen.filter((one) => one.type === "text").length).toBeLessThanOrEqual(10_000);
  });

  it("forgets a consumer that leaves, and says when somebody wants text", async () => {
    let changes = 0;
    const hub = new EventHub(() => changes++);
    expect(hub.wantsText("run", MAIN)).toBe(false);
    const consumer = hub.subscribe({ text: true, runId: "run" });
    expect(hub.wantsText("run", MAIN)).toBe(true);
    expect(hub.wantsText("another", MAIN)).toBe(false);
    hub.publish(event({ type: "text", text: "x" }), MAIN);
    for await (const _one of consumer) break;
    expect(hub.wantsText("run", MAIN)).toBe(false);
    expect(changes).toBe(2);
  });
});

describe("waiting for runs", () => {
  it("for all comes back when the last has settled, for any when the first has", async () => {
    const { runtime, requester, start } = await startRuntime({ engine: "by-task" });
    const endless = await start("waits");
    const short = await start("echo short");
    const ids = [endless.runId, short.runId];
    const any = await runtime.wait(ids, requester, { mode: "any" });
    expect(any).toMatchObject({
      completed: [{ runId: short.runId }],
      pending: [endless.runId],
      errors: [],
      timedOut: false,
    });
    const all = runtime.wait(ids, requester);
    await runtime.kill(endless.runId, requester);
    expect((await all).completed.map((one) => one.outcome.status).sort()).toEqual(["killed", "ok"]);
    expect((await all).pending).toEqual([]);
  });

  it("gives up when its time is up or its caller does, and says so", async () => {
    const { runtime, requester, start } = await startRuntime({ engine: "by-task" });
    const { runId } = await start("waits");
    const late = { completed: [], pending: [runId], timedOut: true };
    expect(await runtime.wait([runId], requester, { timeoutMs: 0 })).toMatchObject(late);
    expect(await runtime.wait([runId], requester, { timeoutMs: 30 })).toMatchObject(late);
    expect(await runtime.wait([runId], requester, { signal: AbortSignal.abort() })).toMatchObject(late);
    const controller = new AbortController();
    const waiting = runtime.wait([runId], requester, { signal: controller.signal });
    controller.abort();
    expect(await waiting).toMatchObject(late);
  });

  it("goes on for longer than a timer can be set to, and refuses a time that is none", async () => {
    const { opened, open } = gate();
    const server = await serveModel(() => opened.then(() => "done"));
    const { start, runtime, requester } = await startRuntime({ model: server.model });
    const { runId } = await start("a long one");
    const long = [Infinity, 2 ** 31, 1e300].map((timeoutMs) => runtime.wait([runId], requester, { timeoutMs }));
    expect(await Promise.race([...long, sleep(100, "still waiting")])).toBe("still waiting");
    for (const timeoutMs of [NaN, -1, -Infinity]) {
      await expect(runtime.wait([runId], requester, { timeoutMs })).rejects.toMatchObject({
        code: "params_invalid",
        message: `wait: timeoutMs must be 0 or more milliseconds, not ${timeoutMs}.`,
      });
    }
    open();
    for (const wait of long) expect(await wait).toMatchObject({ completed: [{ runId }], pending: [], timedOut: false });
  });

  it("tells runs nobody knows from runs of somebody else, and asks for each but once", async () => {
    const { runtime, requester, start, settled } = await startRuntime({ engine: "by-task" });
    const { runId } = await start("echo mine");
    await settled(runId);
    const stranger = { sessionKey: "agent:main:stranger", agentId: "main" };
    expect(await runtime.wait([runId], stranger)).toMatchObject({ errors: [{ runId, error: "not_owner" }] });
    const result = await runtime.wait([runId, "no-such-run", runId], requester);
    expect(result.completed).toHaveLength(1);
    expect(result.errors).toEqual([{ runId: "no-such-run", error: "not_found" }]);
    expect(await runtime.wait([], requester)).toEqual({ completed: [], pending: [], errors: [], timedOut: false });
  });

  it("gives the same completion however long after the end it is asked", async () => {
    const { runtime, requester, start, host } = await startRuntime({ engine: "by-task" });
    const { runId } = await start({ task: "echo once", label: "Once" });
    await host.deliveredTimes(1);
    await sleep(50);
    const [first] = (await runtime.wait([runId], requester)).completed;
    await sleep(50);
    const [second] = (await runtime.wait([runId], requester)).completed;
    const { message: _first, ...facts } = first!;
    const { message: _second, ...again } = second!;
    const { message: _delivered, ...delivered } = host.delivered[0]!;
    expect(again).toEqual(facts);
    expect(facts).toEqual(delivered);
  });

  it("ends when the runtime closes, with what was settled by that", async () => {
    const { runtime, requester, start, close } = await startRuntime({ engine: "by-task" });
    const { runId } = await start("waits");
    const waiting = runtime.wait([runId], requester);
    await close();
    expect(await waiting).toMatchObject({ completed: [{ outcome: { status: "interrupted" } }], pending: [] });
  });
});

describe("a list of runs", () => {
  it("shows the requester's own, oldest first, and leaves out what ended long ago", async () => {
    const { runtime, requester, start, settled } = await startRuntime({ engine: "by-task" });
    const [first, second] = [await start({ task: "echo one", label: "One" }), await start("waits")];
    await start("waits", { ...requester, sessionKey: "agent:main:other" });
    await settled(first.runId);
    expect(await runtime.list(requester)).toMatchObject([
      { runId: first.runId, label: "One", state: "settled", outcome: { status: "ok" }, depth: 1, agentId: "main" },
      { runId: second.runId, task: "waits", requesterSessionKey: MAIN },
    ]);
    await sleep(20);
    expect((await runtime.list(requester, { recentMinutes: 0 })).map((run) => run.runId)).toEqual([second.runId]);
  });
});

it("stats count threads, runs and what is still to be delivered", async () => {
  const { runtime, start, host, settled } = await startRuntime({ engine: "by-task", limits: { maxConcurrent: 1 } });
  host.onDeliver = async () => "busy";
  await settled((await start("echo one")).runId);
  await start("waits");
  await start("waits");
  await expect
    .poll(() => runtime.stats())
    .toMatchObject({
      threads: { total: 1, dedicated: 0 },
      runs: { queued: 1, running: 1, waiting: 0 },
      outbox: { pending: 1, undelivered: 0 },
    });
  expect(runtime.stats().rssBytes).toBeGreaterThan(1e6);
  expect(runtime.stats().loopUtilization).toBeLessThanOrEqual(1);
});

it("what this runtime can do stands in its capabilities, and the rest is refused by its name", async () => {
  const { runtime, requester } = await startRuntime({ engine: "by-task" });
  expect([...runtime.capabilities].sort()).toEqual([
    "attachments",
    "budget",
    "collect",
    "dedicated",
    "fork",
    "history",
    "inject",
    "kill",
    "nesting",
    "steer",
    "timeout",
    "tools",
  ]);
  const bound = await runtime.spawn({ task: "stay", thread: true }, requester);
  expect(bound).toMatchObject({ status: "error", code: "capability_missing" });
  expect((bound as { error: string }).error).toContain("`session`");
});

function event(more: { type: "text"; text: string } | { type: "waiting"; children: number }): RunEvent {
  return { runId: "run", sessionKey: "agent:main:subagent:1", requesterSessionKey: MAIN, at: 1, ...more };
}
