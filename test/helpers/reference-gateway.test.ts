import { describe, expect, test } from "vitest";

import { connectTo, openGateway } from "./gateway-fixture.ts";
import { childKey, connected, greeted, MAIN, messageOf, startGateway } from "./reference-gateway/fixture.ts";
import type { PlainClient } from "./reference-gateway/plain-client.ts";
import { gate, serveModel } from "./runtime-fixture.ts";

describe("a child", () => {
  test("of the gateway runtime is told what it is once, as it would be in process", async () => {
    const { gateway, model } = await openGateway(() => "done");
    const { start, host } = await connectTo(gateway);
    await start("bread");
    await host.completionsCame(1);
    expect(model.requests[0]!.lastUserText.match(/You are a subagent|\[Subagent Task\]/g)).toHaveLength(2);
    expect(model.requests[0]!.lastUserText).toMatch(/\n\[Subagent Task\]\nbread$/);
  });

  test("is accepted at once, works on the real engine, and is answered, waited for and read", async () => {
    const model = await serveModel(({ lastUserText }) => `It says ${lastUserText.slice(-5)}.`);
    const { client, gateway } = await connected({ model: model.model });
    const key = childKey();
    const patched = await client.call("sessions.patch", { key, spawnDepth: 1, spawnedBy: MAIN, label: "bread" });
    expect(patched.payload).toMatchObject({
      ok: true,
      key,
      entry: { spawnDepth: 1 },
      resolved: { model: "scripted-1" },
    });
    const ask = { message: "Task: bread", sessionKey: key, idempotencyKey: "one", deliver: false, lane: "subagent" };
    const [accepted, twice] = await Promise.all([client.call("agent", ask), client.call("agent", ask)]);
    expect(accepted.payload).toMatchObject({ runId: "one", status: "accepted" });
    expect(twice.payload).toEqual(accepted.payload);
    const over = await client.call("agent.wait", { runId: "one", timeoutMs: 20_000 });
    expect(over.payload).toMatchObject({ runId: "one", status: "ok" });

    const final = await client.frame(({ id, payload }) => id === accepted.id && payload?.["status"] === "ok");
    expect(final.payload).toMatchObject({
      result: { payloads: [{ text: "It says bread." }], meta: { aborted: false } },
    });
    expect((await client.call("agent", ask)).payload).toEqual(final.payload);
    const { messages } = (await client.call("chat.history", { sessionKey: key, limit: 1 })).payload!;
    expect(messages).toMatchObject([{ role: "assistant", content: [{ type: "text", text: "It says bread." }] }]);
    const list = await client.call("sessions.list", { spawnedBy: MAIN });
    expect(list.payload).toMatchObject({ count: 1, sessions: [{ key, label: "bread", status: "done" }] });
    expect(phasesOf(client)).toEqual(["start", "end"]);
    expect(model.requests).toHaveLength(1);
    expect((await gateway.seen()).connections).toBe(1);
  });

  test("that is at work can't be aborted, as in 2026.4.1, but be interrupted by a steer and ended by a delete", async () => {
    const hanging = gate();
    const model = await serveModel(({ lastUserText }) => {
      if (/again$/.test(lastUserText)) return "Done again.";
      hanging.open();
      return { silent: true };
    });
    const { client } = await connected({ model: model.model });
    const sessionKey = childKey();
    await client.call("agent", { message: "wait", sessionKey, idempotencyKey: "one" });
    await hanging.opened;
    expect((await client.call("agent.wait", { runId: "one", timeoutMs: 1 })).payload).toEqual({
      runId: "one",
      status: "timeout",
    });
    expect((await client.call("sessions.abort", { key: sessionKey })).payload).toMatchObject({
      status: "no-active-run",
    });

    const steered = await client.call("sessions.steer", {
      key: sessionKey,
      message: "try again",
      idempotencyKey: "two",
    });
    expect(steered.payload).toMatchObject({ runId: "two", status: "started", interruptedActiveRun: true });
    const first = await client.frame(({ payload }) => payload?.["runId"] === "one" && payload["status"] === "ok");
    expect(first.payload).toMatchObject({ result: { meta: { aborted: true } } });
    expect((await client.call("agent.wait", { runId: "two", timeoutMs: 20_000 })).payload).toMatchObject({
      status: "ok",
    });

    await client.call("sessions.steer", { key: sessionKey, message: "hang on", idempotencyKey: "three" });
    expect((await client.call("sessions.abort", { key: sessionKey })).payload).toMatchObject({ abortedRunId: "three" });
    await client.call("agent", { message: "wait", sessionKey, idempotencyKey: "four" });
    await client.frame(({ event, payload }) => event === "agent" && payload?.["runId"] === "four");
    expect((await client.call("sessions.delete", { key: sessionKey })).payload).toMatchObject({ deleted: true });
    await client.frame(({ payload }) => payload?.["runId"] === "four" && payload["status"] === "ok");
    expect((await client.call("chat.history", { sessionKey })).payload).toMatchObject({ messages: [] });
    expect((await client.call("sessions.steer", { key: sessionKey, message: "x" })).error!.message).toMatch(
      /not found/,
    );
  });

  test("that waits in the lane is reached by nothing before it begins, as in 2026.4.1; a message comes after it", async () => {
    const { opened, open } = gate();
    const model = await serveModel(async () => (await opened, "Done."));
    const { client } = await connected({ model: model.model, limits: { maxConcurrent: 1 } });
    const key = childKey();
    await client.call("agent", { message: "first", sessionKey: childKey(), idempotencyKey: "one" });
    await expect.poll(() => model.requests.length).toBe(1);
    await client.call("agent", { message: "second", sessionKey: key, idempotencyKey: "two" });
    const stopped = await client.call("sessions.steer", { key, message: "/stop" });
    expect(stopped.payload).toEqual({ ok: true, aborted: false, runIds: [] });
    const { sessions } = (await client.call("sessions.list", {})).payload! as { sessions: { key: string }[] };
    expect(sessions.find((session) => session.key === key)).not.toHaveProperty("status");
    const told = await client.call("sessions.steer", { key, message: "third", idempotencyKey: "three" });
    expect(told.payload).not.toHaveProperty("interruptedActiveRun");
    open();
    await client.call("agent.wait", { runId: "three", timeoutMs: 20_000 });
    const asked = model.requests.map(({ lastUserText }) => lastUserText.split("\n").at(-1));
    expect(asked).toEqual(["first", "second", "third"]);
  });

  test("ends with its time-out, which whoever waits is told with the end's time", async () => {
    const model = await serveModel(() => ({ silent: true }));
    const { client } = await connected({ model: model.model });
    await client.call("agent", { message: "wait", sessionKey: childKey(), idempotencyKey: "one", timeout: 1 });
    const { payload } = await client.call("agent.wait", { runId: "one", timeoutMs: 20_000 });
    expect(payload).toMatchObject({ status: "timeout", endedAt: expect.any(Number) as number });
  });

  test("that fails is answered with an error, by the run and by whoever waits", async () => {
    const model = await serveModel(() => ({ status: 400, message: "no such thing" }));
    const { client } = await connected({ model: model.model });
    const { id } = await client.call("agent", { message: "x", sessionKey: childKey(), idempotencyKey: "one" });
    const waited = await client.call("agent.wait", { runId: "one" });
    expect(waited.payload).toMatchObject({
      status: "error",
      error: expect.stringContaining("no such thing") as string,
    });
    expect(await client.frame((frame) => frame.id === id && frame.ok === false)).toMatchObject({
      payload: { status: "error" },
      error: { code: "UNAVAILABLE" },
    });
    const key = childKey();
    await client.call("sessions.patch", { key, model: "other/thing" });
    await client.call("agent", { message: "x", sessionKey: key, idempotencyKey: "two" });
    expect((await client.call("agent.wait", { runId: "two" })).payload).toMatchObject({
      error: "Unknown model: other/thing",
    });
  });
});

describe("a method", () => {
  test("is open to its scope alone, and takes only what it knows", async () => {
    const gateway = await startGateway();
    const reader = await greeted(gateway, ["operator.read"]);
    expect(await messageOf(reader, "agent", {})).toBe("missing scope: operator.write");
    expect(await messageOf(reader, "sessions.patch", {})).toBe("missing scope: operator.admin");
    expect(await messageOf(reader, "no.such", {})).toBe("missing scope: operator.admin");
    const writer = await greeted(gateway, ["operator.write"]);
    expect(await writer.call("sessions.list", {})).toMatchObject({ ok: true });
    const overriding = { message: "x", idempotencyKey: "x", sessionKey: childKey(), model: "a/b" };
    expect(await messageOf(writer, "agent", overriding)).toMatch(/overrides are not authorized/);
    const admin = await greeted(gateway, ["operator.admin"]);
    expect(await messageOf(admin, "no.such", {})).toBe("unknown method: no.such");
    expect(await messageOf(admin, "agent", { message: "x" })).toMatch(/^invalid agent params: at idempotencyKey/);
    expect(await messageOf(admin, "agent.wait", { runId: "x", soon: true })).toMatch(
      /^invalid agent.wait params.*soon/,
    );
    expect(await messageOf(admin, "sessions.patch", { key: MAIN, spawnDepth: 1 })).toMatch(
      /only supported for subagent/,
    );
    expect(await messageOf(admin, "sessions.delete", { key: MAIN })).toMatch(/Cannot delete the main session/);
  });

  test("that brings a message to a session of no child takes note of it", async () => {
    const { client, gateway } = await connected();
    await client.call("agent", { message: "It is done.", sessionKey: MAIN, idempotencyKey: "told" });
    expect((await client.call("agent.wait", { runId: "told" })).payload).toMatchObject({ status: "ok" });
    expect((await gateway.seen()).messages).toEqual([
      { sessionKey: MAIN, message: "It is done.", idempotencyKey: "told" },
    ]);
  });

  test("goes on beside ticks", async () => {
    const { client } = await connected({ tickIntervalMs: 20 });
    const tick = await client.frame(({ event }) => event === "tick");
    expect(tick.payload).toEqual({ ts: expect.any(Number) as number });
  });
});

function phasesOf({ frames }: PlainClient): unknown[] {
  return frames
    .filter(({ event }) => event === "agent")
    .map(({ payload }) => (payload!["data"] as { phase: string }).phase);
}
