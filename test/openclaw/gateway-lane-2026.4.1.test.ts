/** Children that wait in the lane of a real gateway: nothing that it offers reaches them there, and none does its work once it was killed. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { createLogger } from "../../src/log.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { createGatewayRuntime } from "../../src/runtime/gateway-runtime.ts";
import type { ModelServer } from "../helpers/model-server.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { startScriptedModel } from "./helpers/scripted-model.ts";

const { promise: opened, resolve: open } = Promise.withResolvers<void>();
let model: ModelServer;
let gateway: Gateway;
let folder: string;

/** Those that fill the lane answer when they are let; whoever was to be ended would hang for ever. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gateway-lane-"));
  model = await startScriptedModel([
    [
      () => true,
      async ({ lastUserText }) => {
        const task = nameIn(lastUserText);
        if (task.startsWith("FILL")) await opened;
        return task === "KILLED" ? { silent: true } : `did ${task}`;
      },
    ],
  ]);
  gateway = await startGateway(
    await onboardTemplate(await installOpenClaw("2026.4.1"), { modelBaseUrl: model.baseUrl }),
  );
});

test("a killed child is ended as it begins, one that can't be redirected does its work, one of a closed runtime comes home to the next", async () => {
  const filler = await connect("filler", { maxChildrenPerAgent: 20 });
  for (let n = 0; n < LANE; n++) await filler.spawn(`FILL${n}`);
  await expect.poll(() => model.requests.length, POLL).toBe(LANE);
  const [killer, steerer, closer] = [await connect("killer"), await connect("steerer"), await connect("closer")];
  await killer.spawn("KILLED");
  await steerer.spawn("STEERED");
  const left = await closer.spawn("LEFT");

  const killed = await killer.runtime.kill("all", killer.requester);
  expect(killed).toMatchObject({ status: "ok", killed: 0 });
  expect(killed.text).toContain("waits in the gateway's queue");
  const steered = await steerer.runtime.steer("last", "TOLD", steerer.requester, { interrupt: true });
  expect(steered).toMatchObject({ status: "error", code: "gateway_refused" });
  await closer.runtime.close();
  const next = await connect("closer");
  open();

  await steerer.host.completionsCame(1, 60_000);
  await next.host.completionsCame(1, 60_000);
  expect(steerer.host.delivered).toMatchObject([{ text: "did STEERED", outcome: { status: "ok" } }]);
  expect(next.host.delivered).toMatchObject([{ runId: left, text: "did LEFT", outcome: { status: "ok" } }]);
  await expect.poll(() => killer.runtime.stats().runs, POLL).toMatchObject({ queued: 0, running: 0 });
  expect(await killer.runtime.list(killer.requester)).toMatchObject([{ outcome: { status: "killed" } }]);
  const asked = (name: string) => model.requests.filter(({ lastUserText }) => nameIn(lastUserText) === name);
  // It may just have been asked for when it was ended, and is left alone with it then.
  expect(asked("KILLED").every(({ abandoned }) => abandoned)).toBe(true);
  expect(asked("KILLED").length).toBeLessThanOrEqual(1);
  expect(model.requests.some(({ lastUserText }) => lastUserText.includes("TOLD"))).toBe(false);
});

/** @param name who shares a registry, and so is the next process of the other */
async function connect(name: string, limits: Record<string, unknown> = {}) {
  const { profile } = gateway;
  const host = new RecordingHost(folder);
  const runtime = await createGatewayRuntime({
    address: { url: `ws://127.0.0.1:${profile.port}`, token: profile.token },
    config: parseConfig({ agents: { defaults: { subagents: limits } } }),
    host,
    registry: openRegistry({ file: join(folder, `${name}.sqlite`) }),
    identityFile: join(folder, "device.json"),
    logger: createLogger(),
  });
  onTestFinished(() => runtime.close());
  const requester = { sessionKey: `agent:main:${randomUUID()}`, agentId: "main" };
  const spawn = async (task: string): Promise<string> => {
    const result = await runtime.spawn({ task }, requester);
    expect(result).toMatchObject({ status: "accepted" });
    return (result as { runId: string }).runId;
  };
  return { runtime, host, requester, spawn };
}

function nameIn(text: string): string {
  return text.trim().split(/\s+/).at(-1)!;
}

afterAll(() => {
  open();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** `agents.defaults.subagents.maxConcurrent` as it is when nobody sets it. */
const LANE = 8;
const POLL = { timeout: 60_000, interval: 50 };
