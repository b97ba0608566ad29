/** A gateway and this process behind one runtime, as `createSubagentRuntime` puts them together, on a clock of the test's. */

import { join } from "node:path";
import { expect } from "vitest";

import { withFallback } from "../../src/adapters/embed.ts";
import { stateLayout } from "../../src/adapters/state-layout.ts";
import type { Logger } from "../../src/log.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { ownersIn } from "../../src/runtime/fallback-owner.ts";
import { createGatewayRuntime } from "../../src/runtime/gateway-runtime.ts";
import type { SubagentRuntime } from "../../src/runtime/runtime.ts";
import type { Requester } from "../../src/types.ts";
import type { ModelServer, Script } from "./model-server.ts";
import { RecordingHost } from "./recording-host.ts";
import {
  openReferenceGateway,
  type ReferenceGateway,
  type ReferenceGatewayOptions,
} from "./reference-gateway/index.ts";
import { closeAfterTest, fixtureConfig, MAIN, serveModel, tempFolder } from "./runtime-fixture.ts";

export type FallbackFixture = {
  runtime: SubagentRuntime;
  host: RecordingHost;
  stateDir: string;
  requester: Requester;
  /** Answers children of this process; the gateway's have their own. */
  model: ModelServer;
  /** What was logged at warn or above, oldest first. */
  warnings: string[];
  /** Moves the clock of the remembered choice on. */
  pass(ms: number): void;
};

/**
 * @param script of the model that children of this process call. @default "here"
 * @param stateDir of a process before this one. @default a new one
 * @param callMs how long the gateway may take for an answer
 * @param handshakeMs and for letting this process in
 * @param subagents keys of `subagents`
 */
export async function startFallback(
  gateway: { url: string; token?: string },
  script: Script = () => "here",
  stateDir = join(tempFolder(), "state"),
  {
    callMs = 1_500,
    handshakeMs = 500,
    subagents = {},
  }: { callMs?: number; handshakeMs?: number; subagents?: Record<string, unknown> } = {},
): Promise<FallbackFixture> {
  const model = await serveModel(script);
  const host = new RecordingHost(tempFolder());
  host.model = model.model;
  const config = fixtureConfig({ limits: { maxChildrenPerAgent: 20 }, subagents });
  const { logger, warnings } = listeningLogger();
  const layout = stateLayout(stateDir);
  const registry = openRegistry({ file: layout.registry });
  let passed = 0;
  const runtime = await withFallback(
    { config, host, stateDir, logger },
    (handOver) =>
      createGatewayRuntime({
        address: gateway,
        ...{ config, host, registry, logger, handOver },
        identityFile: layout.identity,
        timeouts: { connect: 1_000, handshake: handshakeMs, call: callMs },
      }),
    { ownerOf: ownersIn(registry), now: () => passed },
  );
  closeAfterTest(() => runtime.close());
  const requester = { sessionKey: MAIN, agentId: "main", depth: 0, workspaceDir: host.workspace };
  return { runtime, host, stateDir, requester, model, warnings, pass: (ms) => void (passed += ms) };
}

/** A gateway whose children are answered "there". Closed after the test. */
export async function startReferenceGateway(
  script: Script = () => "there",
  options: Partial<ReferenceGatewayOptions> = {},
): Promise<{ gateway: ReferenceGateway; model: ModelServer }> {
  const model = await serveModel(script);
  const gateway = await openReferenceGateway({ model: model.model, ...options });
  closeAfterTest(() => gateway.close());
  return { gateway, model };
}

/** Waits until everything that was spawned has been handed over. */
export async function texts(host: RecordingHost, count: number): Promise<string[]> {
  await host.completionsCame(count);
  expect(host.delivered).toHaveLength(count);
  return host.delivered.map(({ text }) => text);
}

function listeningLogger(): { logger: Logger; warnings: string[] } {
  const warnings: string[] = [];
  const heard = (_fields: object, msg: string): void => void warnings.push(msg);
  const logger: Logger = { debug() {}, info() {}, warn: heard, error: heard, child: () => logger };
  return { logger, warnings };
}
