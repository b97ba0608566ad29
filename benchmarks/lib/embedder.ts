/**
 * A gateway that embeds the built package, as small as one can be: its model is the scripted server of model-server.ts
 * in a process of its own, its `deliver` notes the time. All times are milliseconds since the epoch with fractions.
 */

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as Package from "../../src/index.ts";
import type { Host, Requester, ResolvedModel, SpawnResult, SubagentRuntime } from "../../src/index.ts";
import type { ModelServerBehaviour, RequestTimes } from "../model-server.ts";

export type EmbedderOptions = {
  model?: ModelServerBehaviour;
  /** One that is kept. @default a new one, deleted at the end */
  stateDir?: string;
  /** In the dialect of `openclaw.json`. */
  config?: { pool?: Record<string, number>; limits?: Record<string, number> };
};

export type Accepted = Extract<SpawnResult, { status: "accepted" }>;

export type Embedder = {
  runtime: SubagentRuntime;
  requester: Requester;
  /** What `createSubagentRuntime` took, in milliseconds. */
  readyMs: number;
  /** Spawns a child that the model server knows as `id`. @throws Error when it isn't accepted */
  spawn(id: string, requester?: Requester): Promise<Accepted>;
  /** When the completion was handed over; waits for it. */
  handedOver(run: Accepted): Promise<number>;
  /** Spawns children at once and waits until all are handed over. */
  round(ids: readonly string[]): Promise<void>;
  times(): Promise<RequestTimes>;
  close(): Promise<void>;
};

export async function openEmbedder(options: EmbedderOptions = {}): Promise<Embedder> {
  const { createSubagentRuntime, parseConfig } = await builtPackage();
  const dir = mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-"));
  const workspace = join(dir, "workspace");
  mkdirSync(workspace);
  const server = await startModelServer(options.model ?? {});
  const handed = new Map<string, number>();
  const waiting = new Map<string, (at: number) => void>();
  const host: Host = {
    async deliver(completions) {
      const at = now();
      for (const { runId } of completions) {
        handed.set(runId, at);
        waiting.get(runId)?.(at);
      }
      return "delivered";
    },
    resolveModel: async () => ({ ...MODEL, api: options.model?.api ?? MODEL.api, baseUrl: server.baseUrl }),
    workspaceDir: () => workspace,
  };
  const config = parseConfig({
    subagents: { runtime: "inprocess", pool: options.config?.pool ?? {} },
    agents: { defaults: { subagents: { maxConcurrent: 64, maxChildrenPerAgent: 20, ...options.config?.limits } } },
  });

  const called = performance.now();
  const runtime = await createSubagentRuntime({ config, host, stateDir: options.stateDir ?? join(dir, "state") });
  const readyMs = performance.now() - called;
  const requester: Requester = { sessionKey: "agent:main:main", agentId: "main" };

  const embedder: Embedder = {
    runtime,
    requester,
    readyMs,
    async spawn(id, from = requester) {
      const result = await runtime.spawn({ task: `Answer the scripted question. #id=${id}` }, from);
      if (result.status !== "accepted") throw new Error(`A child wasn't accepted: ${JSON.stringify(result)}`);
      return result;
    },
    handedOver: async ({ runId }) => handed.get(runId) ?? new Promise<number>((resolve) => waiting.set(runId, resolve)),
    async round(ids) {
      const runs = await Promise.all(ids.map((id) => embedder.spawn(id)));
      await Promise.all(runs.map((run) => embedder.handedOver(run)));
    },
    times: async () => (await (await fetch(server.timesUrl)).json()) as RequestTimes,
    async close() {
      await runtime.close();
      server.process.kill("SIGKILL");
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return embedder;
}

/** `openclaw-inprocess` as `npm run build` made it, typed by its source so that a check needs no build. */
export async function builtPackage(): Promise<typeof Package> {
  return (await import(new URL("../../dist/index.js", import.meta.url).href)) as typeof Package;
}

/** Comparable over the processes of one machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export function idsOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${prefix}.${n}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function startModelServer(behaviour: ModelServerBehaviour) {
  const child: ChildProcess = fork(new URL("../model-server.ts", import.meta.url), [JSON.stringify(behaviour)], {
    execArgv: [],
  });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return { process: child, baseUrl: `http://127.0.0.1:${port}/v1`, timesUrl: `http://127.0.0.1:${port}/times` };
}

const MODEL: ResolvedModel = {
  provider: "bench",
  id: "scripted",
  api: "openai-completions",
  baseUrl: "",
  apiKey: "none",
  contextWindow: 1_000_000,
  maxTokens: 300_000,
  input: ["text"],
  reasoning: false,
};
