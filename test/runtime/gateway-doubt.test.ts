import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { stateLayout } from "../../src/adapters/state-layout.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { startFallback, startReferenceGateway, texts } from "../helpers/fallback-fixture.ts";
import { connectTo, refused } from "../helpers/gateway-fixture.ts";
import { askFor, leaveUnanswered, otherClient, writeUnanswered } from "../helpers/left-behind.ts";
import { accepted, closeAfterTest, gate, MAIN, tempFolder } from "../helpers/runtime-fixture.ts";
import { DEVICE_TOKEN, scriptGateway } from "../helpers/scripted-gateway.ts";
import { LIMITS, newRun } from "../registry/fixtures/rows.ts";

const KEY = { idempotencyKey: "once" };
const POLICY = { code: 1008, reason: "not from here" };
const DRAINING = "Gateway is draining for restart; new tasks are not accepted";
const named = { runId: expect.any(String) as string, childSessionKey: expect.any(String) as string };

describe("a spawn that the gateway may have taken", () => {
  it("stays the gateway's in the next process too: nothing runs here, and it is one run in the end", async () => {
    const { opened, open } = gate();
    const { gateway, model } = await startReferenceGateway(async () => (await opened, "there"));
    const stateDir = join(tempFolder(), "state");
    const left = await leaveUnanswered(gateway.url, stateLayout(stateDir).registry, KEY.idempotencyKey);
    await askFor(gateway, left);
    await gateway.setFaults({ handshake: POLICY });

    const second = await startFallback(gateway, () => "here", stateDir);
    const ask = () => second.runtime.spawn({ task: "deploy" }, second.requester, KEY);
    const { runId } = left;
    // Also once the gateway is known to take nothing.
    expect(accepted(await second.runtime.spawn({ task: "other" }, second.requester)).runtime).toBe("inprocess");
    expect(accepted(await ask())).toMatchObject({ runtime: "gateway", runId });
    await gateway.setFaults({});
    open();
    expect((await texts(second.host, 2)).toSorted()).toEqual(["here", "there"]);
    expect(accepted(await ask()).runId).toBe(runId);
    expect([model.requests.length, second.model.requests.length]).toEqual([1, 1]);
  });

  it.each([
    ["has its work", [{ role: "user", content: "the task" }], 1],
    ["has nothing of it", [], 2],
  ])(
    "by one that was restarted since is looked for first, and asked again only when it %s",
    async (_, messages, asks) => {
      const gateway = await scriptGateway({
        agent: ({ count, params, ok }) =>
          count === 1 ? gateway.restart() : ok({ runId: params["idempotencyKey"], status: "accepted" }),
        "chat.history": ({ ok }) => ok({ messages }),
      });
      const { runtime, requester } = await connectTo(gateway);
      accepted(await runtime.spawn({ task: "pay the bill" }, requester, KEY));
      expect(gateway.calls.filter(({ method }) => method === "agent")).toHaveLength(asks);
    },
  );

  it("and that another process is asking for is left alone when this one is refused", async () => {
    const folder = tempFolder();
    const gateway = await scriptGateway({ "sessions.patch": ({ refuse }) => refuse("UNAVAILABLE", "try again") });
    const other = openRegistry({ file: join(folder, "registry.sqlite") });
    closeAfterTest(() => other.close());
    other.claimOwner();
    writeUnanswered(other, gateway.url, KEY.idempotencyKey);
    const { runtime } = await connectTo(gateway, { folder });
    const requester = { sessionKey: MAIN, agentId: "main" };
    expect(refused(await runtime.spawn({ task: "long" }, requester, KEY)).code).not.toBe("gateway_refused");
    expect(gateway.calls.map(({ method }) => method)).toEqual(["sessions.patch"]);
  });

  it("but can't be written down is told with its names, and stays in doubt", async () => {
    const folder = tempFolder();
    const registry = openRegistry({ file: join(folder, "registry.sqlite") });
    const gateway = await scriptGateway({
      // What comes next can't be written.
      agent: ({ params, ok }) =>
        void registry.close().then(() => ok({ runId: params["idempotencyKey"], status: "accepted" })),
    });
    const { runtime, requester, log } = await connectTo(gateway, { folder, registry });
    const result = refused(await runtime.spawn({ task: "a" }, requester, KEY));
    expect(result).toMatchObject(named);
    expect(result.error).toContain("has accepted run");
    expect(log()).toContain("can't be written down here");
    const after = openRegistry({ file: join(folder, "registry.sqlite") });
    expect(after.intents.find((result as unknown as typeof named).runId)).toMatchObject({ gateway: gateway.url });
    await after.close();
  });
});

describe("a spawn with a key", () => {
  it("that is asked again before it is answered is the same, though the gateway takes nothing by now", async () => {
    const { gateway, model } = await startReferenceGateway();
    const {
      runtime,
      requester,
      host,
      model: own,
    } = await startFallback(gateway, undefined, undefined, { callMs: 30_000 });
    const ask = () => runtime.spawn({ task: "pay the bill" }, requester, KEY);
    await gateway.setFaults({ slow: { "sessions.patch": 3_000 } });
    let isAnswered = false;
    const first = ask().finally(() => (isAnswered = true));
    const patches = async () => (await gateway.seen()).calls.filter(({ method }) => method === "sessions.patch");
    await expect.poll(patches).toHaveLength(1);
    await gateway.setFaults({ refuse: { "sessions.patch": { code: "UNAVAILABLE", message: DRAINING } } });
    expect(accepted(await runtime.spawn({ task: "other" }, requester)).runtime).toBe("inprocess");
    await gateway.setFaults({});
    const again = ask();
    expect(isAnswered).toBe(false);
    expect(await again).toEqual(await first);
    expect(accepted(await again).runtime).toBe("gateway");
    await host.completionsCame(2);
    const tasks = [...model.requests, ...own.requests].map(({ lastUserText }) => lastUserText);
    expect(tasks.filter((task) => task.endsWith("pay the bill"))).toHaveLength(1);
  });

  it.each([
    ["before the gateway is asked for it", "sessions.patch", 0],
    ["while the gateway is asked for it", "agent", 1],
  ])("that another runtime has taken %s isn't kept there", async (_, method, asks) => {
    const folder = tempFolder();
    const other = openRegistry({ file: join(folder, "registry.sqlite") });
    closeAfterTest(() => other.close());
    other.claimOwner();
    const gateway = await scriptGateway({
      [method]: ({ params, ok }) => {
        const answer = JSON.stringify({ status: "accepted", runId: "theirs" });
        const row = { requesterSessionKey: requester.sessionKey, idempotencyKey: KEY.idempotencyKey, answer };
        other.admit(newRun(row), LIMITS);
        ok({ runId: params["idempotencyKey"], status: "accepted" });
      },
      "sessions.steer": ({ ok }) => ok({ interruptedActiveRun: true }),
    });
    const { runtime, requester } = await connectTo(gateway, { folder });
    expect(await runtime.spawn({ task: "pay the bill" }, requester, KEY)).toMatchObject({ runId: "theirs" });
    const keys = (name: string) =>
      gateway.calls.flatMap(({ method: asked, params }) => (asked === name ? [params["key"]] : []));
    await expect.poll(() => keys("sessions.delete")).toEqual(keys("sessions.patch"));
    expect(gateway.calls.filter(({ method: asked }) => asked === "agent")).toHaveLength(asks);
    expect(runtime.stats().runs).toMatchObject({ queued: 0, running: 0 });
  });
});

describe("a spawn that the gateway certainly didn't take", () => {
  it("because it hangs before it was asked for the run runs in this process, and the next doesn't wait", async () => {
    const { gateway, model } = await startReferenceGateway(undefined, { faults: { silent: ["sessions.patch"] } });
    const { runtime, requester, host, warnings } = await startFallback(gateway);
    for (const task of ["a", "b"]) {
      expect(accepted(await runtime.spawn({ task }, requester)).runtime).toBe("inprocess");
    }
    expect(await texts(host, 2)).toEqual(["here", "here"]);
    expect(warnings).toEqual([expect.stringContaining("sessions.patch")]);
    expect((await gateway.seen()).calls.filter(({ method }) => method === "sessions.patch")).toHaveLength(1);
    expect(model.requests).toEqual([]);
  });

  it("because it answered too late what opens the session leaves none there", async () => {
    const { gateway, model } = await startReferenceGateway(undefined, { faults: { silent: ["sessions.patch"] } });
    const { runtime, requester, host } = await startFallback(gateway);
    expect(accepted(await runtime.spawn({ task: "a" }, requester)).runtime).toBe("inprocess");
    const other = await otherClient(gateway);
    await expect.poll(async () => (await other.call("sessions.list", {})).payload?.["sessions"]).toEqual([]);
    expect(await texts(host, 1)).toEqual(["here"]);
    expect(model.requests).toEqual([]);
  });

  it("because it was lost meanwhile leaves no session there, once it can be asked again", async () => {
    const gateway = await scriptGateway({
      "sessions.patch": ({ ok }) => (isUp ? ok({}) : gateway.restart()),
      "sessions.delete": ({ ok }) => (isUp ? ok({}) : gateway.restart()),
    });
    let isUp = false;
    const { spawn } = await connectTo(gateway);
    expect(refused(await spawn("a")).code).toBe("gateway_unreachable");
    const keys = (name: string) =>
      gateway.calls.flatMap(({ method, params }) => (method === name ? [params["key"]] : []));
    // It is tried once more at once, by the connection's own rule.
    await expect.poll(() => keys("sessions.delete")).toHaveLength(2);
    isUp = true;
    await expect.poll(() => keys("sessions.delete"), { timeout: 10_000 }).toHaveLength(3);
    expect(new Set(keys("sessions.delete"))).toEqual(new Set(keys("sessions.patch")));
  });

  it("because it is about to restart runs in this process", async () => {
    const faults = { refuse: { agent: { code: "UNAVAILABLE", message: DRAINING } } };
    const { gateway } = await startReferenceGateway(undefined, { faults });
    const { runtime, requester, host } = await startFallback(gateway);
    expect(accepted(await runtime.spawn({ task: "a" }, requester, KEY)).runtime).toBe("inprocess");
    expect(await texts(host, 1)).toEqual(["here"]);
  });
});

it.each(["sessions.patch", "agent"])("a refusal of %s that quotes a secret is told without it", async (method) => {
  const gateway = await scriptGateway({
    [method]: ({ refuse }) => refuse("INVALID_REQUEST", `no: ${gateway.token} and ${DEVICE_TOKEN}`),
  });
  const { spawn, log } = await connectTo(gateway);
  const { error } = refused(await spawn("a"));
  expect(error).toContain("refuses the subagent: no: ");
  for (const secret of [gateway.token, DEVICE_TOKEN]) expect(`${error} ${log()}`).not.toContain(secret);
});
