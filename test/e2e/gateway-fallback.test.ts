import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { createSubagentRuntime } from "../../src/adapters/embed.ts";
import { stateLayout } from "../../src/adapters/state-layout.ts";
import { parseConfig } from "../../src/config.ts";
import type { Script } from "../helpers/model-server.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import type { SubagentRuntime } from "../../src/runtime/runtime.ts";
import { forkReferenceGateway, refusingUrl } from "../helpers/reference-gateway/index.ts";
import { accepted, closeAfterTest, MAIN, serveModel, tempFolder } from "../helpers/runtime-fixture.ts";
import { eventsIn, startCli, tempDirs } from "./cli-process.ts";

/** A gateway in a process of its own, and this process as its config alone makes it. */
describe("a runtime that is told to use the gateway", () => {
  it("runs a child in it, from the registry to the delivery", async () => {
    const { gateway, model, start } = await setUp();
    const { runtime, host } = await start();
    expect(runtime.kind).toBe("gateway");
    expect((await gateway.seen()).connections).toBe(0);
    const run = accepted(await runtime.spawn({ task: "count" }, REQUESTER));
    expect(run.runtime).toBe("gateway");
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ runId: run.runId, text: "counted", outcome: { status: "ok" } }]);
    expect(model.requests).toHaveLength(1);
  });

  it("runs it here while the pairing is broken, with the key that the gateway would have had", async () => {
    const { gateway, model, start } = await setUp();
    const first = await start();
    accepted(await first.runtime.spawn({ task: "count" }, REQUESTER));
    await first.host.completionsCame(1);
    await first.runtime.close();
    const [device] = await gateway.pairing.paired();
    await gateway.pairing.narrow(device!.deviceId, ["operator.read"]);

    const { runtime, host, stateDir } = await start();
    const ask = () => runtime.spawn({ task: "count" }, REQUESTER, { idempotencyKey: "a key" });
    const here = accepted(await ask());
    expect(here.runtime).toBe("inprocess");
    expect(rowOf(stateDir, "a key")).toMatchObject({ runId: here.runId, idempotencyKey: "a key" });
    await host.completionsCame(1);

    await gateway.pairing.approve();
    await runtime.close();
    const healed = await start();
    const again = () => healed.runtime.spawn({ task: "count" }, REQUESTER, { idempotencyKey: "a key" });
    expect(await again()).toEqual(here);
    expect(accepted(await healed.runtime.spawn({ task: "count" }, REQUESTER)).runtime).toBe("gateway");
    await healed.host.completionsCame(1);
    expect(model.requests).toHaveLength(3);
    const asked = (await gateway.seen()).calls.filter(({ method }) => method === "agent");
    expect(asked).toHaveLength(2);
  });

  it("runs it here when nothing listens, or what listens never finishes the handshake", async () => {
    for (const broken of ["refuses", "hangs"]) {
      const { gateway, model, start } = await setUp();
      if (broken === "hangs") await gateway.setFaults({ handshake: "hang" });
      const { runtime, host } = await start(broken === "refuses" ? { url: await refusingUrl() } : gateway);
      const runs = await Promise.all(
        ["one", "two", "three"].map((task) => runtime.spawn({ task }, REQUESTER).then(accepted)),
      );
      expect(runs.map((run) => run.runtime)).toEqual(["inprocess", "inprocess", "inprocess"]);
      await host.completionsCame(3);
      expect(model.requests).toHaveLength(3);
      await runtime.close();
      await gateway.close();
    }
  });

  it("runs nothing here that the gateway had accepted before it died", async () => {
    const { gateway, model, start } = await setUp(() => ({ silent: true }));
    await gateway.setFaults({ dieAfterAccept: true });
    const { runtime, host, stateDir } = await start();
    const ask = (by: SubagentRuntime) => by.spawn({ task: "count" }, REQUESTER, { idempotencyKey: "a key" });
    const run = accepted(await ask(runtime));
    expect(run.runtime).toBe("gateway");
    expect(await gateway.exited).toBe(1);
    expect(await ask(runtime)).toEqual(run);
    expect(await runtime.list(REQUESTER)).toMatchObject([
      { runId: run.runId, state: expect.not.stringMatching("settled") as string },
    ]);
    await runtime.close();

    const next = await start();
    expect(await ask(next.runtime)).toEqual(run);
    next.runtime.deliverPending(MAIN);
    await expect.poll(() => [...host.delivered, ...next.host.delivered].length).toBe(1);
    expect([...host.delivered, ...next.host.delivered]).toMatchObject([
      { runId: run.runId, outcome: { status: "interrupted" } },
    ]);
    expect(rowOf(stateDir, "a key")).toMatchObject({ runId: run.runId, state: "settled" });
    expect(model.requests.length).toBeLessThanOrEqual(1);
    expect(next.runtime.stats()).toMatchObject({ runs: { queued: 0, running: 0, waiting: 0 } });
  });

  it("without the fallback says what is wrong and what to run, and runs nothing", async () => {
    const { gateway, model, start } = await setUp();
    await gateway.pairing.silent(false);
    const { runtime } = await start(gateway, { fallback: false });
    expect(await runtime.spawn({ task: "count" }, REQUESTER)).toMatchObject({
      status: "error",
      code: "gateway_pairing_required",
      error: expect.stringContaining("openclaw devices approve") as string,
    });
    expect(runtime.stats().threads.total).toBe(0);
    expect(model.requests).toEqual([]);
  });
});

describe("a config for the gateway", () => {
  it("that asks for what a gateway hasn't is refused at once", async () => {
    const host = new RecordingHost(tempFolder());
    const config = parseConfig({ subagents: { runtime: "gateway", isolation: "dedicated" } });
    const stateDir = join(tempFolder(), "state");
    await expect(createSubagentRuntime({ config, host, stateDir })).rejects.toMatchObject({
      code: "isolation_unavailable",
    });
  });
});

describe("the command with --runtime gateway", () => {
  it("says that it goes on in process when there is no gateway, and answers", async () => {
    const { home, workspace, stateDir } = tempDirs();
    const { port } = new URL(await refusingUrl());
    const args = ["run", "--demo", "--json", "--runtime", "gateway", "--state-dir", stateDir];
    const run = await startCli(args, { home, cwd: workspace, env: { OPENCLAW_GATEWAY_PORT: port } }).done;
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(/in the gateway \(--runtime gateway was given\)/);
    expect(run.stderr).toMatch(/^warning: subagents run in this process, .*can't be reached/m);
    const spawned = eventsIn(run.stdout).filter(({ type, runId }) => type === "accepted" && runId !== "main");
    expect(spawned).toHaveLength(3);
  });
});

async function setUp(script: Script = () => "counted") {
  const model = await serveModel(script);
  const gateway = await forkReferenceGateway({ model: model.model });
  closeAfterTest(() => gateway.close());
  const stateDir = join(tempFolder(), "state");
  const start = async (at: { url: string; token?: string } = gateway, subagents: object = {}) => {
    const host = new RecordingHost(tempFolder());
    host.model = model.model;
    const config = parseConfig({
      subagents: { runtime: "gateway", pool: { maxThreads: 1, nice: 0 }, ...subagents },
      gateway: { port: Number(new URL(at.url).port), auth: { token: at.token } },
    });
    const runtime = await createSubagentRuntime({ config, host, stateDir });
    closeAfterTest(() => runtime.close());
    return { runtime, host, stateDir };
  };
  return { gateway, model, start };
}

function rowOf(stateDir: string, key: string) {
  const registry = openRegistry({ file: stateLayout(stateDir).registry, readOnly: true });
  closeAfterTest(() => registry.close());
  return registry.findByIdempotencyKey(MAIN, key);
}

const REQUESTER = { sessionKey: MAIN, agentId: "main" };
