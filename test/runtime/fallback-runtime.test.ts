import { describe, expect, it } from "vitest";

import { startFallback, startReferenceGateway, texts } from "../helpers/fallback-fixture.ts";
import { refusingUrl } from "../helpers/reference-gateway/index.ts";
import { accepted, collect, gate } from "../helpers/runtime-fixture.ts";

describe("a gateway that takes spawns", () => {
  it("has them all, and nothing runs in this process", async () => {
    const { gateway, model } = await startReferenceGateway();
    const { runtime, requester, host, model: own, warnings } = await startFallback(gateway);
    const run = accepted(await runtime.spawn({ task: "count" }, requester));
    expect(run).toMatchObject({ runtime: "gateway", resolvedModel: "scripted-1" });
    expect(await texts(host, 1)).toEqual(["there"]);
    expect([model.requests.length, own.requests.length]).toEqual([1, 0]);
    expect(warnings).toEqual([]);
  });

  it("is asked with the key it was given, and once for two that are the same", async () => {
    const { gateway } = await startReferenceGateway();
    const { runtime, requester, host } = await startFallback(gateway);
    const ask = () => runtime.spawn({ task: "count" }, requester, { idempotencyKey: "once" });
    const [one, other] = await Promise.all([ask(), ask()]);
    expect(other).toEqual(one);
    await texts(host, 1);
    expect(await ask()).toEqual(one);
    expect((await gateway.seen()).calls.filter(({ method }) => method === "agent")).toHaveLength(1);
  });

  it("that refuses one by an answer is believed: nothing runs in this process", async () => {
    const { gateway } = await startReferenceGateway(undefined, {
      faults: { refuse: { agent: { code: "INVALID_REQUEST", message: "no such thing" } } },
    });
    const { runtime, requester, model, warnings } = await startFallback(gateway);
    const answer = await runtime.spawn({ task: "count" }, requester);
    expect(answer).toMatchObject({ status: "error", code: "params_invalid" });
    expect(await runtime.list(requester)).toEqual([]);
    expect(model.requests).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

describe("a gateway that takes no spawn", () => {
  it.each([
    ["wants the device approved", "pairing required"],
    ["refuses the token", "token"],
    ["closes with 1008", "not from here"],
    ["resets the connection", "can't be reached"],
    ["answers nothing", "opened no connection"],
    ["hangs at the handshake", "handshake"],
    ["isn't there", "can't be reached"],
  ])("because it %s: the spawn runs in this process, with one warning that says why", async (why, words) => {
    const { gateway, model } = await startReferenceGateway();
    if (why === "wants the device approved") await gateway.pairing.silent(false);
    const faults = {
      "refuses the token": "unauthorized",
      "closes with 1008": POLICY,
      "resets the connection": "drop",
      "answers nothing": "mute",
      "hangs at the handshake": "hang",
    } as const;
    if (Object.hasOwn(faults, why)) await gateway.setFaults({ handshake: faults[why as keyof typeof faults] });
    const address = why === "isn't there" ? { url: await refusingUrl() } : gateway;
    const { runtime, requester, host, warnings } = await startFallback(address);
    const run = accepted(await runtime.spawn({ task: "count" }, requester));
    expect(run.runtime).toBe("inprocess");
    accepted(await runtime.spawn({ task: "count again" }, requester));
    expect(await texts(host, 2)).toEqual(["here", "here"]);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`in this process.*${words}`))]);
    expect(model.requests).toEqual([]);
  });

  it("isn't asked again for a minute, and is then", async () => {
    const { gateway } = await startReferenceGateway(undefined, { faults: { handshake: POLICY } });
    const { runtime, requester, warnings, pass } = await startFallback(gateway);
    const spawn = async () => accepted(await runtime.spawn({ task: "count" }, requester)).runtime;
    const connections = async () => (await gateway.seen()).connections;
    expect(await spawn()).toBe("inprocess");
    const first = await connections();
    pass(59_999);
    expect(await spawn()).toBe("inprocess");
    expect(await connections()).toBe(first);
    pass(1);
    expect(await spawn()).toBe("inprocess");
    expect(await connections()).toBeGreaterThan(first);
    expect(warnings).toHaveLength(2);
    await gateway.setFaults({});
    expect(await spawn()).toBe("inprocess");
    pass(60_000);
    expect(await spawn()).toBe("gateway");
  });

  it("isn't said to pass over its requester's tools, which this process keeps to; the one that takes the spawn is", async () => {
    const { gateway } = await startReferenceGateway(undefined, { faults: { handshake: POLICY } });
    const { runtime, requester, warnings, pass } = await startFallback(gateway);
    const spawn = async () =>
      accepted(await runtime.spawn({ task: "count" }, { ...requester, tools: ["read"] })).runtime;
    expect(await spawn()).toBe("inprocess");
    expect(warnings).toEqual([expect.stringContaining("in this process")]);
    await gateway.setFaults({});
    pass(60_000);
    expect([await spawn(), await spawn()]).toEqual(["gateway", "gateway"]);
    expect(warnings.slice(1)).toEqual([expect.stringContaining("which tools a subagent has")]);
  });

  it("is waited for once by all that come meanwhile", async () => {
    const { gateway } = await startReferenceGateway(undefined, { faults: { handshake: "hang" } });
    const { runtime, requester, host, warnings } = await startFallback(gateway);
    const spawns = Array.from({ length: 16 }, (_, n) => runtime.spawn({ task: `count ${n}` }, requester));
    for (const answer of await Promise.all(spawns)) expect(accepted(answer).runtime).toBe("inprocess");
    expect((await gateway.seen()).connections).toBe(1);
    expect(warnings).toHaveLength(1);
    await texts(host, 16);
  });

  it("and this process know a key as the same: no second run, whichever is asked next", async () => {
    const { gateway, model } = await startReferenceGateway();
    const { runtime, requester, host, model: own, pass } = await startFallback(gateway);
    const ask = (idempotencyKey: string) => runtime.spawn({ task: "count" }, requester, { idempotencyKey });
    const there = accepted(await ask("a"));
    expect(there.runtime).toBe("gateway");
    await gateway.setFaults({ handshake: POLICY });
    await gateway.dropConnections();
    const here = accepted(await ask("b"));
    expect(here.runtime).toBe("inprocess");
    expect(await ask("a")).toEqual(there);
    expect(await ask("b")).toEqual(here);
    await gateway.setFaults({});
    pass(60_000);
    expect(await ask("b")).toEqual(here);
    expect(await ask("a")).toEqual(there);
    await texts(host, 2);
    expect([model.requests.length, own.requests.length]).toEqual([1, 1]);
  });

  it("lends this process its limits: what the gateway couldn't do is refused by name all the same", async () => {
    const { runtime, requester, model } = await startFallback({ url: await refusingUrl() });
    expect([...runtime.capabilities].sort()).toEqual(["history", "kill", "steer", "timeout"]);
    const ask = () => runtime.spawn({ task: "count", toolsAllow: ["read"] }, requester);
    const refused = {
      status: "error",
      code: "capability_missing",
      error: expect.stringContaining("`tools`") as string,
    };
    expect(await ask()).toEqual(refused);
    accepted(await runtime.spawn({ task: "count" }, requester));
    expect(await ask()).toEqual(refused);
    await expect.poll(() => model.requests.length).toBe(1);
  });
});

describe("a gateway that may have taken a spawn", () => {
  it("and dies after its yes keeps it: nothing runs in this process", async () => {
    const { gateway } = await startReferenceGateway(undefined, { faults: { dieAfterAccept: true } });
    const { runtime, requester, model } = await startFallback(gateway);
    const run = accepted(await runtime.spawn({ task: "count" }, requester, { idempotencyKey: "a" }));
    expect(run.runtime).toBe("gateway");
    expect(await runtime.spawn({ task: "count" }, requester, { idempotencyKey: "a" })).toEqual(run);
    expect(accepted(await runtime.spawn({ task: "another" }, requester)).runtime).toBe("inprocess");
    await expect
      .poll(() => model.requests.map((request) => request.lastUserText))
      .toEqual([expect.stringMatching(/another$/)]);
  });

  it("and whose answer was lost is looked for, or asked once more with the same key", async () => {
    const { gateway, model } = await startReferenceGateway(undefined, { faults: { loseAcceptance: true } });
    const { runtime, requester, host, model: own } = await startFallback(gateway);
    const run = accepted(await runtime.spawn({ task: "count" }, requester));
    expect(run.runtime).toBe("gateway");
    expect(await texts(host, 1)).toEqual(["there"]);
    const keys = (await gateway.seen()).calls.flatMap(({ method, params }) =>
      method === "agent" ? [params["idempotencyKey"]] : [],
    );
    expect(new Set(keys)).toEqual(new Set([run.runId]));
    expect([model.requests.length, own.requests.length]).toEqual([1, 0]);
  });

  it("and doesn't answer in time isn't replaced, also when it is asked again", async () => {
    const { gateway, model } = await startReferenceGateway(() => ({ silent: true }), { faults: { silent: ["agent"] } });
    const { runtime, requester, model: own } = await startFallback(gateway);
    const ask = (idempotencyKey: string) => runtime.spawn({ task: "count" }, requester, { idempotencyKey });
    const doubtful = accepted(await ask("a"));
    expect(doubtful).toMatchObject({ runtime: "gateway" });
    await gateway.setFaults({ handshake: POLICY });
    await gateway.dropConnections();
    expect(accepted(await ask("b")).runtime).toBe("inprocess");
    expect(await ask("a")).toEqual(doubtful);
    await expect.poll(() => own.requests.length).toBe(1);
    await gateway.setFaults({});
    await expect.poll(() => [model.requests.length, own.requests.length]).toEqual([1, 1]);
  });

  it("and lets nobody in any more, so that it can't be asked, isn't replaced", async () => {
    const { gateway, model } = await startReferenceGateway();
    const { runtime, requester, host, model: own } = await startFallback(gateway);
    accepted(await runtime.spawn({ task: "count" }, requester));
    await gateway.setFaults({ loseAcceptance: true, handshake: POLICY });
    expect(accepted(await runtime.spawn({ task: "count" }, requester)).runtime).toBe("gateway");
    await gateway.setFaults({});
    expect(await texts(host, 2)).toEqual(["there", "there"]);
    expect([model.requests.length, own.requests.length]).toEqual([2, 0]);
  });
});

describe("runs of both", () => {
  it("are listed, waited for, read and told of as one", async () => {
    const both = await oneOfEach();
    const { runtime, requester, there, here, open } = both;
    const events = collect(runtime.events());
    expect((await runtime.list(requester)).map(({ runId, state }) => [runId, state])).toEqual([
      [there.runId, "running"],
      [here.runId, "running"],
    ]);
    expect(runtime.stats()).toMatchObject({ runs: { running: 2 }, threads: { total: 1 } });
    const ids = [there.runId, here.runId];
    expect(await runtime.wait(ids, requester, { timeoutMs: 0 })).toMatchObject({ completed: [], timedOut: true });
    const late = await runtime.wait([...ids, "none"], requester, { timeoutMs: 50 });
    expect({ ...late, pending: late.pending.toSorted() }).toEqual({
      completed: [],
      pending: ids.toSorted(),
      errors: [{ runId: "none", error: "not_found" }],
      timedOut: true,
    });

    const any = runtime.wait(ids, requester, { mode: "any" });
    open.here();
    expect(await any).toMatchObject({ completed: [{ text: "here" }], pending: [there.runId], timedOut: false });
    const all = runtime.wait(ids, requester, { timeoutMs: 45_000 });
    open.there();
    const { completed, pending, timedOut } = await all;
    expect(completed.map(({ text }) => text).toSorted()).toEqual(["here", "there"]);
    expect({ pending, timedOut }).toEqual({ pending: [], timedOut: false });

    for (const [run, text] of [
      [there, "there"],
      [here, "here"],
    ] as const) {
      const { messages } = await runtime.history(run.childSessionKey, requester);
      expect(messages.at(-1)).toMatchObject({ role: "assistant", content: [{ type: "text", text }] });
    }
    const settled = () => events.filter(({ type }) => type === "settled").map(({ runId }) => runId);
    await expect.poll(() => settled().toSorted()).toEqual(ids.toSorted());
  });

  it("of one turn are told of in one delivery under announce.mode together, whichever ends last", async () => {
    for (const last of ["here", "there"] as const) {
      const { runtime, requester, host, there, here, open } = await oneOfEach({ announce: { mode: "together" } });
      const [first, then] = last === "here" ? [there, here] : [here, there];
      open[last === "here" ? "there" : "here"]();
      await runtime.wait([first.runId], requester, { timeoutMs: 45_000 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(host.deliveries).toEqual([]);
      open[last]();
      await host.completionsCame(2);
      expect(host.deliveries.map((batch) => batch.map(({ runId }) => runId))).toEqual([[first.runId, then.runId]]);
      await expect.poll(() => runtime.stats().outbox).toEqual({ pending: 0, undelivered: 0 });
      await runtime.close();
    }
  });

  it.each(["number", "last", "label", "run id", "session key"])(
    "are ended by %s, each by whoever has it",
    async (by) => {
      const { runtime, requester, there, here } = await oneOfEach();
      const names = {
        number: ["2", "1"],
        last: ["last", "1"],
        label: ["Here", "There"],
        "run id": [here.runId, there.runId.slice(0, 12)],
        "session key": [here.childSessionKey, there.childSessionKey],
      }[by]!;
      for (const [index, run] of [here, there].entries()) {
        expect(await runtime.kill(names[index]!, requester)).toMatchObject({ status: "ok", runId: run.runId });
      }
      expect(await runtime.kill(names[0]!, requester)).toMatchObject({ status: "done", runId: here.runId });
      expect((await runtime.list(requester)).map(({ outcome }) => outcome?.status)).toEqual(["killed", "killed"]);
    },
  );

  it("are ended all at once", async () => {
    const { runtime, requester } = await oneOfEach();
    expect(await runtime.kill("all", requester)).toMatchObject({
      status: "ok",
      killed: 2,
      labels: expect.arrayContaining(["Here", "There"]) as string[],
    });
    expect(await runtime.kill("*", requester)).toMatchObject({ status: "done", killed: 0 });
  });

  it("are ended all at once also when all are the gateway's, and nothing is said of other processes", async () => {
    const { gateway } = await startReferenceGateway(() => ({ silent: true }));
    const { runtime, requester } = await startFallback(gateway);
    for (const task of ["a", "b"]) accepted(await runtime.spawn({ task }, requester));
    await expect.poll(() => runtime.stats().runs.running, { timeout: 10_000 }).toBeGreaterThan(0);
    const answer = await runtime.kill("all", requester);
    expect(answer).toMatchObject({ status: "ok", killed: 2, text: "Ended 2 subagents." });
  });

  it("are ended all at once, and of one in the gateway's queue it is said when it will be", async () => {
    const { gateway, model } = await startReferenceGateway(() => ({ silent: true }), { limits: { maxConcurrent: 1 } });
    const { runtime, requester } = await startFallback(gateway, () => ({ silent: true }));
    accepted(await runtime.spawn({ task: "a" }, { ...requester, sessionKey: "agent:main:somebody" }));
    await expect.poll(() => model.requests.length).toBe(1);
    accepted(await runtime.spawn({ task: "b", label: "Late" }, requester));
    await gateway.setFaults({ handshake: POLICY });
    await gateway.dropConnections();
    expect(accepted(await runtime.spawn({ task: "c", label: "Here" }, requester)).runtime).toBe("inprocess");
    await gateway.setFaults({});
    const answer = await runtime.kill("all", requester);
    expect(answer).toMatchObject({ status: "ok", killed: 1, labels: ["Here"] });
    expect(answer.text).toMatch(/^Ended 1 subagent\. Late waits in the gateway's queue/);
  });

  it("are told something in the way each of them can be, and not found only when neither has them", async () => {
    const { runtime, requester, here, there, open } = await oneOfEach();
    expect(await runtime.steer("Here", "be brief", requester)).toMatchObject({ status: "accepted", mode: "inject" });
    expect(await runtime.steer("There", "be brief", requester)).toMatchObject({ code: "capability_missing" });
    const steered = await runtime.steer("There", "be brief", requester, { interrupt: true });
    expect(steered).toMatchObject({ status: "accepted", mode: "restart", sessionKey: there.childSessionKey });
    expect(await runtime.steer("Her", "again", requester)).toMatchObject({ status: "rate_limited", runId: here.runId });
    expect(await runtime.kill("Nobody", requester)).toMatchObject({ status: "error", code: "not_found" });
    await expect(runtime.history("agent:main:subagent:none", requester)).rejects.toMatchObject({ code: "not_found" });
    expect(await runtime.send({ label: "There", message: "hello" }, requester)).toMatchObject({
      code: "capability_missing",
    });
    open.here();
    open.there();
    const restarted = (steered as { runId: string }).runId;
    const { completed } = await runtime.wait([restarted, here.runId], requester, { timeoutMs: 45_000 });
    expect(completed).toHaveLength(2);
  });

  it("start children of their own where they are themselves, or not at all", async () => {
    const { runtime, there, here, pass } = await oneOfEach();
    const by = ({ childSessionKey }: { childSessionKey: string }) =>
      runtime.spawn({ task: "a part" }, { sessionKey: childSessionKey, agentId: "main", depth: 1 });
    // Also while the gateway is known to take nothing.
    expect(await by(there)).toMatchObject({ status: "error", code: "capability_missing" });
    pass(60_000);
    expect(await by(here)).toMatchObject({ status: "accepted", runtime: "inprocess" });
    expect(await by(there)).toMatchObject({ status: "error", code: "capability_missing" });
  });

  it("count together against the requester's limit, whoever is asked", async () => {
    const { runtime, requester, pass, gateway } = await oneOfEach();
    const spawn = () => runtime.spawn({ task: "one more" }, requester);
    for (let active = 2; active < 20; active++) accepted(await spawn());
    const full = { status: "forbidden", error: expect.stringContaining("20 active") as string };
    expect(await spawn()).toMatchObject(full);
    await gateway.setFaults({});
    pass(60_000);
    expect(await spawn()).toMatchObject(full);
  });
});

describe("a closed runtime", () => {
  it("says so to every call, and has settled the runs of both", async () => {
    const { runtime, requester, here, host } = await oneOfEach();
    await runtime.close();
    await expect(runtime.spawn({ task: "count" }, requester)).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(runtime.wait([here.runId], requester)).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(runtime.kill("all", requester)).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(runtime.history(here.childSessionKey, requester)).rejects.toMatchObject({ code: "runtime_closed" });
    expect(() => runtime.stats()).toThrow(expect.objectContaining({ code: "runtime_closed" }) as Error);
    expect(host.delivered.map(({ outcome }) => outcome.status)).toEqual(["interrupted", "interrupted"]);
  });
});

/** A run at work in the gateway and, since the gateway lets nobody new in, one at work here. The gateway is well again. */
async function oneOfEach(subagents: Record<string, unknown> = {}) {
  const hold = { here: gate(), there: gate() };
  const started = { here: gate(), there: gate() };
  const holding = (where: "here" | "there") => async () => {
    started[where].open();
    await hold[where].opened;
    return where;
  };
  const { gateway } = await startReferenceGateway(holding("there"));
  const fixture = await startFallback(gateway, holding("here"), undefined, { subagents });
  const { runtime, requester } = fixture;
  const there = accepted(await runtime.spawn({ task: "count there", label: "There" }, requester));
  await started.there.opened;
  await gateway.setFaults({ handshake: POLICY });
  await gateway.dropConnections();
  const here = accepted(await runtime.spawn({ task: "count here", label: "Here" }, requester));
  await started.here.opened;
  await gateway.setFaults({});
  expect([there.runtime, here.runtime]).toEqual(["gateway", "inprocess"]);
  const open = { here: () => hold.here.open(), there: () => hold.there.open() };
  return { ...fixture, gateway, there, here, open };
}

const POLICY = { code: 1008, reason: "not from here" };
