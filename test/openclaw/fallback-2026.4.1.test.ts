import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createSubagentRuntime } from "../../src/adapters/embed.ts";
import { parseConfig } from "../../src/config.ts";
import type { Logger } from "../../src/log.ts";
import type { SubagentRuntime } from "../../src/runtime/runtime.ts";
import type { SpawnResult } from "../../src/types.ts";
import type { ModelServer } from "../helpers/model-server.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { healPairing } from "./helpers/broken-pairing.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { freshFolder } from "./helpers/run-folder.ts";
import { asked, held, startScriptedModel } from "./helpers/scripted-model.ts";

/** In this order: each test leaves the gateway as the next one finds it. */
describe("a runtime of this process that is told to use OpenClaw 2026.4.1", () => {
  const lastWords = held("Too late.");
  const runtimes: SubagentRuntime[] = [];
  const warnings: string[] = [];
  let stateDir: string;
  let model: ModelServer;
  let gateway: Gateway;

  beforeAll(async () => {
    const install = await installOpenClaw("2026.4.1");
    model = await startScriptedModel([
      [asked(LAST), lastWords.script],
      [asked(TASK), ANSWER],
    ]);
    gateway = await startGateway(await onboardTemplate(install, { modelBaseUrl: model.baseUrl }));
    stateDir = join(freshFolder("fallback"), "state");
  });

  afterAll(async () => {
    lastWords.release();
    for (const runtime of runtimes) await runtime.close();
  });

  test("runs children in it while this device is approved", async () => {
    const { spawn, host } = await start();

    const run = await spawn(TASK);

    expect(run).toMatchObject({ status: "accepted", runtime: "gateway" });
    await host.completionsCame(1, 60_000);
    expect(host.delivered).toMatchObject([{ text: ANSWER, outcome: { status: "ok" } }]);
    expect(model.requests.filter(asked(TASK))).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test("runs them here while the pairing is broken, and says which command heals it", async () => {
    await close();
    await narrowDevices(gateway);
    const { spawn, host } = await start();

    const key = randomUUID();
    const run = await spawn(TASK, key);

    expect(run).toMatchObject({ status: "accepted", runtime: "inprocess" });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: ANSWER, outcome: { status: "ok" } }]);
    expect(warnings.splice(0)).toEqual([expect.stringMatching(/in this process.*pairing required.*devices approve/)]);
    await gateway.waitForLog(/reason=scope-upgrade/);
    const connections = gateway.websocketConnections();
    expect(await spawn(TASK)).toMatchObject({ runtime: "inprocess" });
    expect(gateway.websocketConnections()).toBe(connections);

    expect(await healPairing(gateway)).toMatchObject({ code: 0 });
    await close();
    const healed = await start();
    expect(await healed.spawn(TASK, key)).toEqual(run);
    expect(await healed.spawn(TASK)).toMatchObject({ status: "accepted", runtime: "gateway" });
    await healed.host.completionsCame(1, 60_000);
    expect(model.requests.filter(asked(TASK))).toHaveLength(4);
  });

  test.skipIf(process.platform === "win32")("runs them here while it hangs at the handshake", async () => {
    await close();
    warnings.splice(0);
    model.requests.splice(0);
    const goOn = gateway.hang();
    try {
      const { spawn, host } = await start();

      const runs = await Promise.all([spawn(TASK), spawn(TASK)]);

      expect(runs).toMatchObject([{ runtime: "inprocess" }, { runtime: "inprocess" }]);
      await host.completionsCame(2);
      expect(warnings).toEqual([expect.stringMatching(/in this process.*within 30000 ms.*whether it hangs/)]);
    } finally {
      goOn();
    }

    await close();
    const awake = await start();
    expect(await awake.spawn(TASK)).toMatchObject({ status: "accepted", runtime: "gateway" });
    await awake.host.completionsCame(1, 60_000);
    expect(model.requests.filter(asked(TASK))).toHaveLength(3);
  });

  test("runs nothing a second time that it had accepted before it was killed", async () => {
    const { spawn, host, runtime } = await start();
    const key = randomUUID();
    const run = await spawn(LAST, key);
    expect(run).toMatchObject({ status: "accepted", runtime: "gateway" });

    await gateway.kill();

    expect(await spawn(LAST, key)).toEqual(run);
    expect(await spawn(TASK)).toMatchObject({ status: "accepted", runtime: "inprocess" });
    await host.completionsCame(1);
    expect(host.delivered).toMatchObject([{ text: ANSWER, outcome: { status: "ok" } }]);
    await runtime.close();

    const next = await start();
    expect(await next.spawn(LAST, key)).toEqual(run);
    const ofLast = () => [...host.delivered, ...next.host.delivered].filter(({ task }) => task === LAST);
    await expect.poll(ofLast).toMatchObject([{ runId: runId(run), outcome: { status: "interrupted" } }]);
    expect(model.requests.filter(asked(LAST)).length).toBeLessThanOrEqual(1);
  });

  test("runs them here while it is stopped, with one warning", async () => {
    await close();
    warnings.splice(0);
    const { spawn, host } = await start();

    const runs = await Promise.all([spawn(TASK), spawn(TASK)]);

    expect(runs).toMatchObject([{ runtime: "inprocess" }, { runtime: "inprocess" }]);
    await host.completionsCame(2);
    expect(warnings).toEqual([expect.stringMatching(/in this process.*can't be reached/)]);
  });

  async function start() {
    const host = new RecordingHost(freshFolder("workspace"));
    host.model = model.model;
    const config = parseConfig({
      subagents: { runtime: "gateway", pool: { maxThreads: 1 } },
      gateway: { port: gateway.port, auth: { mode: "token", token: gateway.profile.token } },
    });
    const runtime = await createSubagentRuntime({ config, host, stateDir, logger });
    runtimes.push(runtime);
    const spawn = (task: string, idempotencyKey?: string) =>
      runtime.spawn({ task }, REQUESTER, idempotencyKey === undefined ? {} : { idempotencyKey });
    return { runtime, host, spawn };
  }

  async function close(): Promise<void> {
    for (const runtime of runtimes.splice(0)) await runtime.close();
  }

  const heard = (fields: object, msg: string): void => void ("fallback" in fields && warnings.push(msg));
  const logger: Logger = { debug() {}, info() {}, warn: heard, error: heard, child: () => logger };
});

/** What a gateway's user may find: the device was approved for less than it asks for now. */
async function narrowDevices({ stateDir }: Gateway): Promise<void> {
  const file = join(stateDir, "devices", "paired.json");
  const devices = JSON.parse(await readFile(file, "utf8")) as Record<string, Record<string, unknown>>;
  const narrow = { scopes: NARROW, approvedScopes: NARROW };
  const narrowed = Object.entries(devices).map(([id, device]) => [id, { ...device, ...narrow }]);
  await writeFile(file, JSON.stringify(Object.fromEntries(narrowed), undefined, 2));
}

function runId(answer: SpawnResult): string | undefined {
  return answer.status === "accepted" ? answer.runId : undefined;
}

const NARROW = ["operator.read"];
const REQUESTER = { sessionKey: "agent:main:main", agentId: "main" };
const TASK = "CHILD-TASK: count the planets.";
const LAST = "LAST-TASK: never finishes.";
const ANSWER = "There are eight planets.";
