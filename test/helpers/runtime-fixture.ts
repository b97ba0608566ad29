/** A real runtime for a test: state in a temporary folder, a host that collects, and everything closed afterwards. */

import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";

import { createSubagentRuntime } from "../../src/adapters/embed.ts";
import type { Config } from "../../src/config.ts";
import { parseConfig } from "../../src/config.ts";
import type { RunEvent } from "../../src/events.ts";
import type { Logger } from "../../src/log.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import type { RunRow } from "../../src/registry/run-row.ts";
import type { SubagentRuntime } from "../../src/runtime/runtime.ts";
import type { Completion, Requester, ResolvedModel, SpawnParams, SpawnResult } from "../../src/types.ts";
import { leftBehind, resourcesInUse, type Resources } from "./leak-guard.ts";
import { startModelServer, type ModelApi, type ModelServer, type Script } from "./model-server.ts";
import { RecordingHost } from "./recording-host.ts";

export type Fixture = {
  runtime: SubagentRuntime;
  host: RecordingHost;
  stateDir: string;
  workspaceDir: string;
  /** The main session that asks for runs. */
  requester: Requester;
  /** Spawns for `requester` and insists that it was accepted. */
  start(params: SpawnParams | string, requester?: Requester): Promise<Accepted>;
  /** Waits until a run has settled. */
  settled(runId: string): Promise<Completion>;
  close(): Promise<void>;
};

export type FixtureOptions = {
  /** Keys of `subagents`. @default one thread, short graces */
  subagents?: Record<string, unknown>;
  /** Keys of `agents.defaults.subagents`. */
  limits?: Record<string, unknown>;
  /** More of the config, beside those two. */
  config?: { agents?: Record<string, unknown>; [section: string]: unknown };
  /** Of which OpenClaw. @default those of the newest */
  rules?: Config["rules"];
  model?: ResolvedModel;
  /** Name of a fixture in `test/fixtures/engines`. @default the engine `pi` */
  engine?: string;
  host?: RecordingHost;
  stateDir?: string;
  /** @default nothing is logged */
  logger?: Logger;
};

export type Accepted = Extract<SpawnResult, { status: "accepted" }>;

export const MAIN = "agent:main:main";

const closers: (() => Promise<unknown>)[] = [];
const folders: string[] = [];
let before: Resources;

beforeEach(() => {
  before = resourcesInUse();
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  expect(await leftBehind(before), "left behind by the test").toEqual([]);
});

export async function startRuntime(options: FixtureOptions = {}): Promise<Fixture> {
  const host = options.host ?? new RecordingHost(tempFolder());
  if (options.model !== undefined) host.model = options.model;
  const stateDir = options.stateDir ?? join(tempFolder(), "state");
  const { logger } = options;
  const { rules } = options;
  const config = { ...fixtureConfig(options), ...(rules === undefined ? {} : { rules }) };
  const runtime = await createSubagentRuntime({ config, host, stateDir, ...(logger === undefined ? {} : { logger }) });
  const close = (): Promise<void> => runtime.close();
  closers.push(close);
  const requester = { sessionKey: MAIN, agentId: "main", depth: 0, workspaceDir: host.workspace };
  return {
    runtime,
    host,
    stateDir,
    workspaceDir: host.workspace,
    requester,
    close,
    start: async (params, by = requester) =>
      accepted(await runtime.spawn(typeof params === "string" ? { task: params } : params, by)),
    settled: async (runId) => {
      const { completed } = await runtime.wait([runId], requester, { timeoutMs: 45_000 });
      expect(completed.map((completion) => completion.runId)).toEqual([runId]);
      return completed[0]!;
    },
  };
}

/** What the registry's file says of a run, read by a connection of its own. */
export async function recordOf({ stateDir }: Fixture, runId: string): Promise<RunRow | undefined> {
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  const row = registry.run(runId);
  await registry.close();
  return row;
}

export function fixtureConfig({ subagents = {}, limits = {}, config = {}, engine }: FixtureOptions) {
  const { agents = {}, ...more } = config;
  const { defaults = {}, ...others } = agents;
  return parseConfig({
    ...more,
    subagents: {
      runtime: "inprocess",
      grace: { abortMs: 50, terminateMs: 50 },
      ...subagents,
      ...(engine === undefined ? {} : { engine: engineFile(engine) }),
      pool: { minThreads: 1, maxThreads: 1, nice: 0, ...(subagents["pool"] as object | undefined) },
    },
    agents: { ...others, defaults: { ...(defaults as object), subagents: limits } },
  });
}

export function engineFile(name: string): string {
  return join(import.meta.dirname, "..", "fixtures", "engines", `${name}.ts`);
}

/** Closed after the test. */
export async function serveModel(script: Script, api: ModelApi = "openai-completions"): Promise<ModelServer> {
  const server = await startModelServer({ api, script });
  closers.push(() => server.close());
  return server;
}

/** Run after the test, before what was made earlier is closed. */
export function closeAfterTest(close: () => Promise<unknown>): void {
  closers.push(close);
}

/** Removed after the test. Its real path, as macOS keeps temporary folders behind a link. */
export function tempFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "runtime-test-")));
  folders.push(folder);
  const inside = join(folder, "w");
  mkdirSync(inside);
  return inside;
}

export function accepted(result: SpawnResult): Accepted {
  expect(result).toMatchObject({ status: "accepted" });
  return result as Accepted;
}

/** Collects a runtime's events until it closes. */
export function collect(events: AsyncIterable<RunEvent>): RunEvent[] {
  const seen: RunEvent[] = [];
  void (async () => {
    for await (const event of events) seen.push(event);
  })();
  return seen;
}

/** A promise and what resolves it. */
export function gate<T = void>(): { opened: Promise<T>; open(value: T): void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { opened: promise, open: resolve };
}
