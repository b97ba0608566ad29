import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { loadSqlite } from "../../src/registry/sqlite.ts";
import { connectTo, openGateway, refused } from "../helpers/gateway-fixture.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { forkReferenceGateway } from "../helpers/reference-gateway/index.ts";
import { accepted, closeAfterTest, gate, serveModel, tempFolder } from "../helpers/runtime-fixture.ts";

describe("a spawn whose acceptance is in doubt", () => {
  it("is looked for, or asked again under the same run id, and is one run", async () => {
    const { gateway, model } = await openGateway(() => "once");
    const { start, host } = await connectTo(gateway);
    await gateway.setFaults({ loseAcceptance: true });
    const run = await start("a");
    await host.completionsCame(1);
    const { calls } = await gateway.seen();
    const asked = calls.filter(({ method }) => method === "agent");
    expect(new Set(asked.map(({ params }) => params["idempotencyKey"]))).toEqual(new Set([run.runId]));
    expect(model.requests).toHaveLength(1);
  });

  it("and stays so, because the gateway is gone, is a run that isn't confirmed, and not refused", async () => {
    const model = await serveModel(() => ({ silent: true }));
    const gateway = await forkReferenceGateway({ model: model.model, faults: { silent: ["agent"] } });
    closeAfterTest(() => gateway.close());
    const { spawn, runtime, requester } = await connectTo(gateway);
    const spawned = spawn("a");
    await expect.poll(async () => (await gateway.seen()).calls.at(-1)?.method, { timeout: 20_000 }).toBe("agent");
    await gateway.kill();
    const { runId, note } = accepted(await spawned);
    expect(note).toContain("whose answer hasn't come");
    expect(await runtime.list(requester)).toMatchObject([{ runId }]);
    expect(await runtime.kill(runId, requester)).toMatchObject({ status: "error", code: "gateway_unreachable" });
  });

  it("before it was asked for counts as not taken when the connection can't be kept", async () => {
    const { gateway } = await openGateway(() => "never");
    const { spawn } = await connectTo(gateway);
    await gateway.setFaults({ silent: ["sessions.patch"] });
    const spawned = spawn("a");
    const asked = async (): Promise<number> =>
      (await gateway.seen()).calls.filter(({ method }) => method === "sessions.patch").length;
    await expect.poll(asked).toBe(1);
    await gateway.dropConnections();
    await expect.poll(asked).toBe(2);
    await gateway.dropConnections();
    expect(refused(await spawned)).toMatchObject({ code: "gateway_unreachable" });
  });
});

describe("a spawn that the gateway refuses", () => {
  it.each([
    ["agent", "INVALID_REQUEST", "invalid agent params: no", "params_invalid"],
    ["agent", "INVALID_REQUEST", 'unknown agent id "x"', "spawn_forbidden"],
    ["agent", "UNAVAILABLE", "not now", "internal"],
    ["sessions.patch", "INVALID_REQUEST", "missing scope: operator.admin", "spawn_forbidden"],
    ["sessions.patch", "INVALID_REQUEST", "model not allowed: scripted/other", "model_unusable"],
  ])(
    "over a good connection never looks like one it couldn't be asked for: %s, %s %s",
    async (method, code, message, ours) => {
      const { gateway, model } = await openGateway(() => "never");
      const { spawn, runtime, requester } = await connectTo(gateway);
      await gateway.setFaults({ refuse: { [method]: { code, message } } });
      const refusal = refused(await spawn({ task: "a", model: "scripted/other" }));
      expect(refusal.code).toBe(ours);
      expect(refusal.error).toContain(message);
      expect(await runtime.list(requester)).toEqual([]);
      // A session that was refused isn't there; one that was made is deleted.
      const last = method === "agent" ? "sessions.delete" : method;
      await expect.poll(async () => (await gateway.seen()).calls.at(-1)?.method).toBe(last);
      expect(model.requests).toEqual([]);
    },
  );
});

it("a spawn asked again by the next process, which knows nothing of the first answer, is the same run", async () => {
  const { gateway, model } = await openGateway(() => "once");
  const first = await connectTo(gateway);
  const options = { idempotencyKey: "the same" };
  const run = await first.runtime.spawn({ task: "a" }, first.requester, options);
  await first.host.completionsCame(1);
  await first.runtime.close();
  const file = join(first.folder, "registry.sqlite");
  const db = new (loadSqlite().DatabaseSync)(file);
  db.exec("DELETE FROM outbox; DELETE FROM runs");
  db.close();
  const second = await connectTo(gateway, { folder: first.folder });
  expect(await second.runtime.spawn({ task: "a" }, first.requester, options)).toEqual(run);
  await second.host.completionsCame(1);
  expect(model.requests).toHaveLength(1);
});

it("a result that couldn't be handed over is handed over after a restart, once", async () => {
  const { gateway } = await openGateway(() => "kept");
  const first = await connectTo(gateway);
  first.host.onDeliver = () => Promise.reject(new Error("the host is down"));
  const { runId } = await first.start("a");
  await first.host.deliveredTimes(1);
  await first.runtime.close();
  const second = await connectTo(gateway, { folder: first.folder });
  await second.host.completionsCame(1);
  expect(second.host.delivered).toMatchObject([{ runId, text: "kept", outcome: { status: "ok" } }]);
});

it("a gateway that was restarted has forgotten its runs, which are interrupted", async () => {
  const { opened, open } = gate();
  const model = await serveModel(async () => (await opened, "late"));
  closeAfterTest(async () => open());
  const options = { model: model.model, stateDir: tempFolder() };
  const before = await forkReferenceGateway(options);
  const { start, host, runtime } = await connectTo(before);
  await start("a");
  await expect.poll(() => runtime.stats().runs.running, { timeout: 20_000 }).toBe(1);
  await before.kill();
  await before.exited;
  const port = Number(new URL(before.url).port);
  const after = await forkReferenceGateway({ ...options, port, auth: { token: before.token! } });
  closeAfterTest(() => after.close());
  await host.completionsCame(1, 60_000);
  expect(host.delivered[0]!.outcome).toMatchObject({ status: "interrupted", cause: { code: "run_interrupted" } });
  expect(host.delivered[0]!.outcome.cause!.message).toContain("restarted");
});

it("a kill that the gateway can't be told isn't said to have been one", async () => {
  const { gateway } = await openGateway(() => ({ silent: true }));
  const { runtime, start, requester } = await connectTo(gateway);
  await start("go on");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  await gateway.setFaults({ refuse: { "sessions.abort": { code: "UNAVAILABLE", message: "not now" } } });
  const answer = await runtime.kill("last", requester);
  expect(answer).toMatchObject({ status: "error", code: "gateway_refused" });
  expect(await runtime.list(requester)).toMatchObject([{ state: "running" }]);
  await gateway.setFaults({});
  expect(await runtime.kill("last", requester)).toMatchObject({ status: "ok" });
});

it("the same spawn limits hold whatever the gateway would take", async () => {
  const { gateway } = await openGateway(() => "never");
  const host = new RecordingHost(tempFolder());
  Object.assign(host, { refuseSpawn: () => "This session starts nothing." });
  const { spawn } = await connectTo(gateway, { host });
  expect(refused(await spawn("a"))).toEqual({
    status: "forbidden",
    code: "spawn_forbidden",
    error: "This session starts nothing.",
  });
  expect((await gateway.seen()).connections).toBe(0);
});

it("a kill that comes while a child is being redirected ends what it has become", async () => {
  const { gateway } = await openGateway(() => ({ silent: true }));
  const { runtime, start, requester, host } = await connectTo(gateway);
  const { runId } = await start("go on");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  await gateway.setFaults({ slow: { "sessions.steer": 300 } });
  const [steered, killed] = await Promise.all([
    runtime.steer("last", "another way", requester, { interrupt: true }),
    runtime.kill("last", requester),
  ]);
  expect(steered).toMatchObject({ status: "accepted", mode: "restart" });
  const again = (steered as { runId: string }).runId;
  expect(killed).toMatchObject({ status: "ok", runId: again });
  const { completed } = await runtime.wait([runId, again], requester, { timeoutMs: 10_000 });
  expect(completed).toMatchObject([{ outcome: { status: "killed" } }, { outcome: { status: "killed" } }]);
  expect(host.deliveries).toEqual([]);
});

it("a child that was redirected in vain goes on being waited for", async () => {
  const { opened, open } = gate();
  const { gateway } = await openGateway(async () => (await opened, "as before"));
  const { runtime, start, requester, host } = await connectTo(gateway);
  const { runId } = await start("go on");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  await gateway.setFaults({ refuse: { "sessions.steer": { code: "UNAVAILABLE", message: "still active" } } });
  const steered = await runtime.steer("last", "another way", requester, { interrupt: true });
  expect(steered).toMatchObject({ status: "error", code: "gateway_refused" });
  open();
  await host.completionsCame(1);
  expect(host.delivered).toMatchObject([{ runId, text: "as before", outcome: { status: "ok" } }]);
});

it.skipIf(process.platform === "win32")(
  "a gateway that falls silent on an open connection is asked over another once it can be",
  async () => {
    const { opened, open } = gate();
    const model = await serveModel(async () => (await opened, "after the silence"));
    const gateway = await forkReferenceGateway({ model: model.model, tickIntervalMs: 100 });
    closeAfterTest(() => gateway.close());
    const { start, host, runtime } = await connectTo(gateway, { timeouts: { connect: 500, handshake: 500 } });
    await start("go on");
    await expect.poll(() => runtime.stats().runs.running, { timeout: 20_000 }).toBe(1);
    process.kill(gateway.pid, "SIGSTOP");
    // Nothing here can be seen to happen while the other side stands still.
    await new Promise((resolve) => setTimeout(resolve, 600));
    process.kill(gateway.pid, "SIGCONT");
    await expect.poll(async () => (await gateway.seen()).connections, { timeout: 20_000 }).toBeGreaterThan(1);
    open();
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: "after the silence", outcome: { status: "ok" } }]);
  },
);
