/** The gateway runtime against a reference gateway: both real, both closed after the test. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { createLogger } from "../../src/log.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { createGatewayRuntime, type GatewayOptions } from "../../src/runtime/gateway-runtime.ts";
import type { SubagentRuntime } from "../../src/runtime/runtime.ts";
import type { Requester, SpawnParams, SpawnResult } from "../../src/types.ts";
import { RecordingHost } from "./recording-host.ts";
import {
  openReferenceGateway,
  type ReferenceGateway,
  type ReferenceGatewayOptions,
} from "./reference-gateway/index.ts";
import { accepted, closeAfterTest, serveModel, tempFolder, type Accepted } from "./runtime-fixture.ts";
import type { ModelServer, Script } from "./model-server.ts";

export type GatewayFixture = {
  runtime: SubagentRuntime;
  host: RecordingHost;
  requester: Requester;
  /** Holds the registry and the device's identity. */
  folder: string;
  /** What the runtime has logged, as text. */
  log(): string;
  spawn(params: SpawnParams | string): Promise<SpawnResult>;
  /** Insists that it is accepted. */
  start(params: SpawnParams | string): Promise<Accepted>;
};

export async function openGateway(
  script: Script,
  options: Partial<ReferenceGatewayOptions> = {},
): Promise<{ gateway: ReferenceGateway; model: ModelServer }> {
  const model = await serveModel(script);
  const gateway = await openReferenceGateway({ model: model.model, ...options });
  closeAfterTest(() => gateway.close());
  return { gateway, model };
}

export type ConnectOptions = Partial<GatewayOptions> & {
  /** Keys of `agents.defaults.subagents`. */
  limits?: Record<string, unknown>;
  /** Keys of `subagents`. */
  subagents?: Record<string, unknown>;
  folder?: string;
};

/** @param to where the gateway is, with its token unless `address` says otherwise */
export async function connectTo(
  to: Pick<ReferenceGateway, "url" | "token">,
  { limits = {}, subagents = {}, folder = tempFolder(), ...options }: ConnectOptions = {},
): Promise<GatewayFixture> {
  const host = (options.host as RecordingHost | undefined) ?? new RecordingHost(folder);
  const lines: string[] = [];
  const runtime = await createGatewayRuntime({
    address: { url: to.url, ...(to.token === undefined ? {} : { token: to.token }) },
    config: parseConfig({
      agents: { defaults: { subagents: limits } },
      subagents: { grace: { abortMs: 500 }, ...subagents },
    }),
    registry: openRegistry({ file: join(folder, "registry.sqlite") }),
    identityFile: join(folder, "identity", "device.json"),
    logger: createLogger({ level: "debug", destination: { write: (line: string) => void lines.push(line) } }),
    ...options,
    host,
  });
  closeAfterTest(() => runtime.close());
  const requester = { sessionKey: `agent:main:${randomUUID()}`, agentId: "main" };
  const spawn = (params: SpawnParams | string): Promise<SpawnResult> =>
    runtime.spawn(typeof params === "string" ? { task: params } : params, requester);
  return {
    runtime,
    host,
    requester,
    folder,
    log: () => lines.join(""),
    spawn,
    start: async (params) => accepted(await spawn(params)),
  };
}

/** The refusal of a spawn, with its code. */
export function refused(result: SpawnResult): { code: string; error: string } {
  expect(result.status).not.toBe("accepted");
  return result as { status: "error"; code: "internal"; error: string };
}
