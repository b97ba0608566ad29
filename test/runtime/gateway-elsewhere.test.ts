import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { connectTo, openGateway, refused } from "../helpers/gateway-fixture.ts";
import { leaveRow, leaveRun, leaveUnanswered, otherClient, writeUnanswered } from "../helpers/left-behind.ts";
import { closeAfterTest, gate, MAIN, tempFolder } from "../helpers/runtime-fixture.ts";
import { scriptGateway } from "../helpers/scripted-gateway.ts";

const REQUESTER = { sessionKey: MAIN, agentId: "main" };
const KEY = { idempotencyKey: "once" };
const OTHER = "ws://127.0.0.1:1";

describe("a run that was given to another gateway", () => {
  it("is given up, with both addresses, by the only process that is left; this gateway isn't asked about it", async () => {
    const gateway = await scriptGateway();
    const folder = tempFolder();
    const { runId } = await leaveRow(OTHER, join(folder, "registry.sqlite"));
    const { host, runtime } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "interrupted" } }]);
    const { message } = host.delivered[0]!.outcome.cause!;
    expect(message).toContain(OTHER);
    expect(message).toContain(gateway.url);
    expect(runtime.stats().runs).toMatchObject({ queued: 0, running: 0 });
    expect(gateway.calls).toEqual([]);
  });

  it("is left to another process that may ask that gateway", async () => {
    const gateway = await scriptGateway();
    const folder = tempFolder();
    const file = join(folder, "registry.sqlite");
    const { runId } = await leaveRow(OTHER, file);
    const other = openRegistry({ file });
    other.claimOwner();
    closeAfterTest(() => other.close());
    const { runtime } = await connectTo(gateway, { folder });
    expect(runtime.stats().runs).toMatchObject({ queued: 0, running: 0 });
    expect(other.run(runId)!.state).toBe("queued");
  });

  it("has its history there, which is said instead of showing none", async () => {
    const gateway = await scriptGateway();
    const folder = tempFolder();
    const { childSessionKey } = await leaveRow(OTHER, join(folder, "registry.sqlite"));
    const { runtime } = await connectTo(gateway, { folder });
    await expect(runtime.history(childSessionKey, REQUESTER)).rejects.toMatchObject({ code: "not_found" });
    await expect(runtime.history(childSessionKey, REQUESTER)).rejects.toThrow(OTHER);
    expect(gateway.calls).toEqual([]);
  });

  it("or may have been isn't asked of this one", async () => {
    const gateway = await scriptGateway();
    const folder = tempFolder();
    const other = openRegistry({ file: join(folder, "registry.sqlite") });
    closeAfterTest(() => other.close());
    other.claimOwner();
    const { runId } = writeUnanswered(other, OTHER, KEY.idempotencyKey);
    const { runtime, host } = await connectTo(gateway, { folder });
    const answer = refused(await runtime.spawn({ task: "pay" }, REQUESTER, KEY));
    expect(answer).toMatchObject({ code: "gateway_lost", runId });
    expect(answer.error).toContain(OTHER);
    expect([host.deliveries, gateway.calls]).toEqual([[], []]);
  });

  it("or may have been, by a process that was killed, is given up like one that was", async () => {
    const gateway = await scriptGateway();
    const folder = tempFolder();
    const { runId } = await leaveUnanswered(OTHER, join(folder, "registry.sqlite"), KEY.idempotencyKey);
    const { runtime, host } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "interrupted" } }]);
    expect(await runtime.spawn({ task: "pay" }, REQUESTER, KEY)).toMatchObject({ status: "accepted", runId });
    expect(gateway.calls).toEqual([]);
  });
});

it("a spawn of another state directory with the same requester and key is another run", async () => {
  const gateway = await scriptGateway();
  const one = await connectTo(gateway);
  const other = await connectTo(gateway);
  await one.runtime.spawn({ task: "a" }, REQUESTER, KEY);
  await other.runtime.spawn({ task: "b" }, REQUESTER, KEY);
  const asked = gateway.calls.filter(({ method }) => method === "agent").map(({ params }) => params);
  expect(new Set(asked.map((params) => params["idempotencyKey"])).size).toBe(2);
  expect(new Set(asked.map((params) => params["sessionKey"])).size).toBe(2);
});

describe("a run whose process died", () => {
  it("and that the gateway knows neither by its id nor by its session is over", async () => {
    const gateway = await scriptGateway();
    const folder = tempFolder();
    const { runId } = await leaveRow(gateway.url, join(folder, "registry.sqlite"));
    const { host } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "interrupted" } }]);
    expect(host.delivered[0]!.outcome.cause!.message).toContain("deleted");
  });

  it("is found among more children of its requester than a list shows", async () => {
    const folder = tempFolder();
    const gateway = await scriptGateway({
      "chat.history": ({ ok }) => ok({ messages: [{ role: "user" }, { role: "assistant", content: "found" }] }),
      "sessions.list": ({ params, ok }) => {
        const found = { key: childSessionKey, status: "done", startedAt: 1, endedAt: 2 };
        ok({ sessions: params["search"] === childSessionKey ? [found] : [] });
      },
    });
    const { runId, childSessionKey } = await leaveRow(gateway.url, join(folder, "registry.sqlite"));
    const { host } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, text: "found", outcome: { status: "ok" } }]);
  });

  it("and whose session was deleted while it worked isn't said to have ended well", async () => {
    const { gateway, model } = await openGateway(() => ({ silent: true }));
    const folder = tempFolder();
    const { runId, childSessionKey: key } = await leaveRun(gateway, join(folder, "registry.sqlite"));
    await expect.poll(() => model.requests.length).toBe(1);
    const other = await otherClient(gateway);
    await other.call("sessions.delete", { key, deleteTranscript: true });
    const { host } = await connectTo(gateway, { folder });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, outcome: { status: "interrupted" } }]);
  });

  it("and that was being redirected at that moment answers as what it was redirected to", async () => {
    const { opened, open } = gate();
    const { gateway, model } = await openGateway(async ({ lastUserText }) =>
      lastUserText.includes("this instead") ? (await opened, "done this instead") : { silent: true },
    );
    const folder = tempFolder();
    const { runId, childSessionKey: key } = await leaveRun(gateway, join(folder, "registry.sqlite"));
    await expect.poll(() => model.requests.length).toBe(1);
    const other = await otherClient(gateway);
    await other.call("sessions.steer", { key, message: "this instead" });
    await expect.poll(() => model.requests.length).toBe(2);
    const { host } = await connectTo(gateway, { folder });
    // Its own run is over by now, and was looked at.
    await expect.poll(async () => asked(await gateway.seen(), "sessions.list")).toBeGreaterThan(1);
    expect(host.deliveries).toEqual([]);
    open();
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId, text: "done this instead", outcome: { status: "ok" } }]);
  });
});

it("a run whose process died isn't over while another is at work in its session, also when that has said something", async () => {
  const folder = tempFolder();
  const shown = (content: string) => [
    { role: "user", content: "this instead" },
    { role: "assistant", content, stopReason: "stop" },
  ];
  const gateway = await scriptGateway({
    "agent.wait": ({ params, ok }) => ok({ runId: params["runId"], status: "timeout", startedAt: 1, endedAt: 2 }),
    "chat.history": ({ ok }) => ok({ messages: shown(looks < 3 ? "I am at it" : "done this instead") }),
    "sessions.list": ({ count, ok }) => {
      looks = count;
      const state = count < 3 ? { status: "running" } : { status: "done", endedAt: 4 };
      ok({ sessions: [{ key: childSessionKey, startedAt: 3, ...state }] });
    },
  });
  let looks = 0;
  const { runId, childSessionKey } = await leaveRow(gateway.url, join(folder, "registry.sqlite"));
  const { host } = await connectTo(gateway, { folder });
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ runId, text: "done this instead", outcome: { status: "ok" } }]);
});

it("an answer that a chat window isn't shown is one all the same", async () => {
  const [asks, says] = [
    { role: "user", content: "the task" },
    { role: "assistant", content: "NO_REPLY", stopReason: "stop" },
  ];
  const gateway = await scriptGateway({
    "agent.wait": ({ params, ok }) => ok({ runId: params["runId"], status: "ok", startedAt: 1, endedAt: 2 }),
    "chat.history": ({ ok }) => ok({ messages: [asks] }),
    "sessions.get": ({ ok }) => ok({ messages: [asks, says] }),
  });
  const { runtime, start, requester } = await connectTo(gateway);
  const { runId } = await start("a");
  const { completed } = await runtime.wait([runId], requester, { timeoutMs: 10_000 });
  expect(completed).toMatchObject([{ text: "NO_REPLY", outcome: { status: "ok" } }]);
});

function asked({ calls }: { calls: { method: string }[] }, method: string): number {
  return calls.filter((call) => call.method === method).length;
}
