/**
 * A gateway that embeds the built package, as small as one can be: its model is the scripted server of model-server.ts
 * in a process of its own, its `deliver` notes the time. Children run in its own threads, or in those of a reference
 * gateway beyond a WebSocket: the same engine and threads, so that the transport alone differs. All times are
 * milliseconds since the epoch with fractions.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config, Host, Requester, ResolvedModel, SpawnResult, SubagentRuntime } from "../../src/index.ts";
import { removedAtExit } from "../../test/helpers/removed-at-exit.ts";
import type { ModelServerBehaviour, RequestTimes } from "../model-server.ts";
import { builtGatewayRuntime, builtPackage, builtRegistry } from "./built.ts";
import { startGateway } from "./gateway.ts";
import { startModel } from "./model-process.ts";
import { probeAt, serveProbe, type Probe } from "./probe.ts";
import { now } from "./times.ts";

/** `kept`: one connection for everything · `per-call`: one for each call, as OpenClaw 2026.4.1 does. */
export type Transport = "in-process" | "kept" | "per-call";

export type EmbedderOptions = {
  /** @default "in-process" */
  transport?: Transport;
  model?: ModelServerBehaviour;
  /** One that is kept. @default a new one, deleted at the end */
  stateDir?: string | undefined;
  /** In the dialect of `openclaw.json`; `engine` is a path. */
  config?: { engine?: string; pool?: Record<string, number>; limits?: Record<string, number> };
  /** Files of the children's workspace, by name. */
  files?: Record<string, string>;
};

export type Accepted = Extract<SpawnResult, { status: "accepted" }>;

export type Embedder = {
  runtime: SubagentRuntime;
  requester: Requester;
  /** When `createSubagentRuntime` was called. */
  calledAt: number;
  /** And when its runtime was there. */
  readyAt: number;
  /** In the process whose threads the children run on. */
  probe: Probe;
  /** Spawns a child that the model server knows as `id`. @throws Error when it isn't accepted */
  spawn(id: string, requester?: Requester): Promise<Accepted>;
  /** Spawns children at once, for as many requesters as their limit of children asks for. */
  spawnAll(ids: readonly string[]): Promise<Accepted[]>;
  /** When the completion was handed over; waits for it. */
  handedOver(run: Accepted): Promise<number>;
  /** Spawns children at once and waits until all are handed over. @returns when the last was */
  round(ids: readonly string[]): Promise<number>;
  times(): Promise<RequestTimes>;
  close(): Promise<void>;
};

export async function openEmbedder(options: EmbedderOptions = {}): Promise<Embedder> {
  const dir = removedAtExit(mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-")));
  const workspace = join(dir, "workspace");
  mkdirSync(workspace);
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(workspace, name), text);
  const model = await startModel(options.model ?? {});
  const deliveries = noteDeliveries();
  const host: Host = {
    deliver: deliveries.deliver,
    resolveModel: async () => model.model,
    workspaceDir: () => workspace,
  };
  const stateDir = options.stateDir ?? join(dir, "state");
  const open = options.transport === undefined || options.transport === "in-process" ? inProcess : overWebSocket;
  const opened = await open({ options, host, model: model.model, dir, stateDir, workspace });
  const { runtime } = opened;
  const requester: Requester = { sessionKey: "agent:main:main", agentId: "main" };

  const embedder: Embedder = {
    ...opened,
    requester,
    async spawn(id, from = requester) {
      const result = await runtime.spawn({ task: `Answer the scripted question. #id=${id}` }, from);
      if (result.status !== "accepted") throw new Error(`A child wasn't accepted: ${JSON.stringify(result)}`);
      return result;
    },
    spawnAll: (ids) => Promise.all(ids.map((id, n) => embedder.spawn(id, requesterOf(Math.floor(n / CHILDREN))))),
    handedOver: ({ runId }) => deliveries.of(runId),
    async round(ids) {
      const runs = await embedder.spawnAll(ids);
      return Math.max(...(await Promise.all(runs.map((run) => embedder.handedOver(run)))));
    },
    times: () => model.times(),
    async close() {
      await runtime.close();
      await opened.closeHost();
      model.close();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return embedder;
}

export function requesterOf(n: number): Requester {
  return { sessionKey: n === 0 ? "agent:main:main" : `agent:main:bench-${n}`, agentId: "main" };
}

type Place = {
  options: EmbedderOptions;
  host: Host;
  model: ResolvedModel;
  dir: string;
  stateDir: string;
  workspace: string;
};
type Opened = Pick<Embedder, "runtime" | "calledAt" | "readyAt" | "probe"> & { closeHost(): Promise<void> };

async function inProcess({ options, host, stateDir }: Place): Promise<Opened> {
  const { createSubagentRuntime } = await builtPackage();
  const config = await configOf(options);
  // Not after the call: whoever waits for the runtime to be warm would wait for this too.
  const probe = await serveProbe();
  const calledAt = now();
  const runtime = await createSubagentRuntime({ config, host, stateDir });
  const readyAt = now();
  return { runtime, calledAt, readyAt, probe: probeAt(probe.url), closeHost: async () => probe.close() };
}

async function overWebSocket({ options, host, model, dir, stateDir, workspace }: Place): Promise<Opened> {
  const [{ createLogger }, { createGatewayRuntime }, { openRegistry }] = await Promise.all([
    builtPackage(),
    builtGatewayRuntime(),
    builtRegistry(),
  ]);
  const config = await configOf(options);
  const { pool, engine } = config.subagents;
  const gateway = await startGateway({
    model,
    stateDir: join(dir, "gateway"),
    workspaceDir: workspace,
    subagents: { pool, engine },
    limits: { maxConcurrent: config.agents.defaults.subagents.maxConcurrent, maxSpawnDepth: 1 },
  });
  const calledAt = now();
  const runtime = await createGatewayRuntime({
    address: { url: gateway.url, token: gateway.token },
    config,
    host,
    registry: openRegistry({ file: join(stateDir, "registry.sqlite") }),
    identityFile: join(stateDir, "device.json"),
    logger: createLogger(),
    connectionPerCall: options.transport === "per-call",
  });
  const readyAt = now();
  return { runtime, calledAt, readyAt, probe: probeAt(gateway.probeUrl), closeHost: () => gateway.close() };
}

async function configOf({ config: { engine = "pi", pool = {}, limits = {} } = {} }: EmbedderOptions): Promise<Config> {
  const { parseConfig } = await builtPackage();
  const subagents = { maxConcurrent: 64, maxChildrenPerAgent: CHILDREN, maxSpawnDepth: 1, ...limits };
  return parseConfig({
    subagents: { runtime: "inprocess", engine, pool },
    agents: { defaults: { subagents } },
  });
}

function noteDeliveries() {
  const handed = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  const deliver: Host["deliver"] = async (completions) => {
    const at = now();
    for (const { runId } of completions) {
      handed.set(runId, at);
      waiting.get(runId)?.(at);
    }
    return "delivered";
  };
  const of = async (runId: string): Promise<number> =>
    handed.get(runId) ?? new Promise<number>((resolve) => waiting.set(runId, resolve));
  return { deliver, of };
}

/** As many as one session may have. */
const CHILDREN = 20;
