/** Our client of the gateway's WebSocket against the real gateway: the contract of every runtime, and what it says when it isn't let in. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { parseConfig } from "../../src/config.ts";
import type { RunEvent } from "../../src/events.ts";
import { createLogger } from "../../src/log.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { deviceIdentity } from "../../src/runtime/gateway-identity.ts";
import { createGatewayRuntime } from "../../src/runtime/gateway-runtime.ts";
import type { SpawnResult } from "../../src/types.ts";
import { runtimeContract } from "../contract/runtime-contract.ts";
import type { ModelServer, Script } from "../helpers/model-server.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { startScriptedModel } from "./helpers/scripted-model.ts";

let model: ModelServer;
let gateway: Gateway;
let script: Script = () => "ok";
let paired: string;

/** One gateway for the contract; each test brings its own model, sessions and registry, and all share a device. */
beforeAll(async () => {
  model = await startScriptedModel([[() => true, (request) => script(request)]]);
  const install = await installOpenClaw("2026.4.1");
  gateway = await startGateway(await onboardTemplate(install, { modelBaseUrl: model.baseUrl }));
  paired = join(freshFolder(), "identity", "device.json");
});

runtimeContract("the gateway runtime to OpenClaw 2026.4.1", async (opening) => {
  script = opening.script;
  const before = model.requests.length;
  const { runtime, host, requester } = await connect(gateway, { limits: opening.limits ?? {}, identityFile: paired });
  return { runtime, requester, host, requests: () => model.requests.slice(before) };
});

describe("a gateway of OpenClaw 2026.4.1", () => {
  test("runs a child over one connection, with its lineage and its label in the session store", async () => {
    script = () => "word by word";
    const { runtime, host, requester } = await connect(gateway, { identityFile: paired });
    await runtime.warm();
    const before = gateway.websocketConnections();
    const heard = text(runtime.events({ text: true }));
    const run = accepted(await runtime.spawn({ task: "be seen", label: "Seen", thinking: "low" }, requester));
    await host.completionsCame(1, 60_000);
    expect(gateway.websocketConnections()).toBe(before);
    expect(heard.join("")).toBe("word by word");
    expect((await gateway.sessions())[run.childSessionKey]).toMatchObject({
      spawnedBy: requester.sessionKey,
      spawnDepth: 1,
      subagentRole: "leaf",
      label: "Seen",
      thinkingLevel: "low",
    });
  });

  test("refuses what it can't take in its own words, and isn't taken for one that can't be reached", async () => {
    const agents = { list: [{ id: "main", subagents: { allowAgents: ["elsewhere"] } }, { id: "elsewhere" }] };
    const { runtime, requester } = await connect(gateway, { identityFile: paired, agents });
    const refusal = await runtime.spawn({ task: "t", agentId: "elsewhere" }, requester);
    expect(refusal).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
    expect((refusal as { error: string }).error).toContain('unknown agent id "elsewhere"');
    expect(await runtime.list(requester)).toEqual([]);
  });

  test("gives an answer whole that is too large for its chat window", async () => {
    const long = "0123456789abcde\n".repeat(12_500);
    script = () => ({ text: long, chunkChars: 20_000 });
    const { runtime, host, requester } = await connect(gateway, { identityFile: paired });
    accepted(await runtime.spawn({ task: "say much" }, requester));
    await host.completionsCame(1, 60_000);
    expect(host.delivered[0]!.text).toBe(long.trim());
  });

  test("forgets the session of a child that was to be deleted", async () => {
    script = () => "ok";
    const { runtime, host, requester } = await connect(gateway, { identityFile: paired });
    const run = accepted(await runtime.spawn({ task: "come and go", cleanup: "delete" }, requester));
    await host.completionsCame(1, 60_000);
    await expect.poll(async () => Object.keys(await gateway.sessions()), POLL).not.toContain(run.childSessionKey);
  });

  test("that refuses the token is named so, and the token isn't shown", async () => {
    const token = "a-token-that-is-wrong-0123456789";
    const { runtime, requester, log } = await connect(gateway, { token });
    const result = await runtime.spawn({ task: "t" }, requester);
    expect(result).toMatchObject({ status: "error", code: "gateway_unauthorized" });
    expect(JSON.stringify(result) + log()).not.toContain(token);
  });

  test("whose device is paired too narrowly is healed by the command that the refusal names", async () => {
    const identityFile = join(freshFolder(), "device.json");
    const { runtime, requester } = await connect(gateway, { identityFile });
    await runtime.warm();
    await runtime.close();
    narrow(gateway, deviceIdentity(identityFile).deviceId);
    const again = await connect(gateway, { identityFile });
    const result = await again.runtime.spawn({ task: "t" }, requester);
    expect(result).toMatchObject({ status: "error", code: "gateway_pairing_required" });
    const { error } = result as { error: string };
    const command = /`openclaw (devices approve [\w-]+)`/.exec(error)?.[1];
    expect(error).toContain("wider scopes for this device");
    const { code } = await gateway.cli(...command!.split(" "));
    expect(code).toBe(0);
    expect(await again.runtime.spawn({ task: "t" }, requester)).toMatchObject({ status: "accepted" });
    await again.host.completionsCame(1, 60_000);
  });

  test("that is restarted under a run has it reported as interrupted; killed, it can't be reached", async () => {
    const endless = Promise.withResolvers<string>();
    script = () => endless.promise;
    const { runtime, host, requester } = await connect(gateway, { identityFile: paired });
    accepted(await runtime.spawn({ task: "never ends" }, requester));
    await expect.poll(() => runtime.stats().runs.running, POLL).toBe(1);
    await gateway.kill();
    const gone = await runtime.spawn({ task: "too late" }, requester);
    expect(gone).toMatchObject({ status: "error", code: "gateway_unreachable" });
    await gateway.restart();
    await host.completionsCame(1, 120_000);
    expect(host.delivered).toMatchObject([{ outcome: { status: "interrupted", cause: { code: "run_interrupted" } } }]);
    endless.resolve("late");
  });
});

type Connection = {
  token?: string;
  limits?: Record<string, unknown>;
  agents?: Record<string, unknown>;
  identityFile?: string;
};

async function connect({ profile }: Gateway, options: Connection) {
  const folder = freshFolder();
  const { token = profile.token, limits = {}, agents = {}, identityFile = join(folder, "device.json") } = options;
  const host = new RecordingHost(folder);
  const lines: string[] = [];
  const runtime = await createGatewayRuntime({
    address: { url: `ws://127.0.0.1:${profile.port}`, token },
    config: parseConfig({ agents: { ...agents, defaults: { subagents: limits } } }),
    host,
    registry: openRegistry({ file: ":memory:" }),
    identityFile,
    logger: createLogger({ level: "debug", destination: { write: (line: string) => void lines.push(line) } }),
  });
  onTestFinished(() => runtime.close());
  const requester = { sessionKey: `agent:main:${randomUUID()}`, agentId: "main" };
  return { runtime, host, requester, log: () => lines.join("") };
}

/** What issue #59702 leaves a device with: only what its first connection asked for. The gateway reads the file each time. */
function narrow({ stateDir }: Gateway, deviceId: string): void {
  const file = join(stateDir, "devices", "paired.json");
  const devices = JSON.parse(readFileSync(file, "utf8")) as Record<string, Record<string, unknown>>;
  const device = devices[deviceId]!;
  for (const scopes of ["scopes", "approvedScopes"]) device[scopes] = ["operator.read"];
  for (const token of Object.values(device["tokens"] as Record<string, object>))
    Object.assign(token, { scopes: ["operator.read"] });
  writeFileSync(file, JSON.stringify(devices));
}

function accepted(result: SpawnResult): Extract<SpawnResult, { status: "accepted" }> {
  expect(result).toMatchObject({ status: "accepted" });
  return result as Extract<SpawnResult, { status: "accepted" }>;
}

/** What is said from now on. */
function text(events: AsyncIterable<RunEvent>): string[] {
  const heard: string[] = [];
  void (async () => {
    for await (const event of events) if (event.type === "text") heard.push(event.text);
  })();
  return heard;
}

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gateway-runtime-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const POLL = { timeout: 60_000, interval: 50 };
