/** The engine `openclaw` on a real installation, in a pool of ours, without a gateway around it. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { bundleFiles } from "../../scripts/bundle-worker.ts";
import type { EngineResult, EngineTask, ToHost } from "../../src/channel/protocol.ts";
import type { EngineEvent } from "../../src/events.ts";
import { WorkerPool } from "../../src/pool/worker-pool.ts";
import type { OpenClawContext } from "../../src/sessions/openclaw-context.ts";
import { engineTask } from "../helpers/engine-task.ts";
import type { RecordedRequest } from "../helpers/model-replies.ts";
import type { ModelServer } from "../helpers/model-server.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { freshFolder } from "./helpers/run-folder.ts";
import { callTool, offeredTools, startScriptedModel } from "./helpers/scripted-model.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SLEEP = callTool("exec", { command: "sleep 300", yieldMs: 120_000, timeout: 400 });
let dir: string;
let pool: WorkerPool;
let model: ModelServer;
let context: OpenClawContext;
const notes: string[] = [];

beforeAll(async () => {
  const { root } = await installOpenClaw("2026.4.1");
  dir = freshFolder("engine");
  model = await startScriptedModel([
    [(request) => holds(request, "HANG"), { silent: true }],
    [(request) => holds(request, "REFUSE"), { status: 400, message: "no such luck" }],
    [(request) => holds(request, "STEERED"), "heard"],
    [(request) => holds(request, "SLEEP"), SLEEP],
    [(request) => request.afterToolResult, "all done"],
    [(request) => holds(request, "STEER"), callTool("exec", { command: "sleep 1" })],
    [(request) => holds(request, "TOOL"), callTool("exec", { command: "echo from a real tool" })],
  ]);
  context = { packageRoot: root, config: gatewayConfig(), stateDir: dir, agentDir: join(dir, "agent") };
  await bundleFiles(ROOT, join(dir, "worker"), { entry: join(ROOT, "src", "worker", "entry.ts") });
  pool = new WorkerPool({
    threads: { minThreads: 1, maxThreads: 1, runsPerThread: 64, idleTimeoutMs: 30_000, maxQueue: 100, nice: 0 },
    workerFile: join(dir, "worker", "entry.js"),
    scratchDir: join(dir, "scratch"),
    env: {
      PATH: process.env.PATH ?? "",
      HOME: dir,
      OPENCLAW_STATE_DIR: dir,
      OPENCLAW_SUPPRESS_EXTENSION_API_WARNING: "1",
    },
    guest: { engine: "openclaw", context: () => context },
    onError: (error) => void notes.push(error.message),
    onNote: (text) => void notes.push(text),
  });
});
afterAll(() => pool.close());

describe("OpenClaw's own runner in a thread", () => {
  it("is warmed by a whole run that leaves nothing in the gateway's folders", async () => {
    await pool.warm();
    expect(notes).toEqual([]);
    expect(readdirSync(dir).sort()).toEqual(["scratch", "worker"]);
    expect(model.requests).toEqual([]);
  });

  it("carries a child: a real tool, its answer, what it used", async () => {
    const { result, events, task } = run("TOOL");
    expect(await result).toMatchObject({
      status: "ok",
      text: "all done",
      model: "scripted/scripted-1",
      usage: { turns: 2, toolCalls: 1 },
    });
    const tool = events.find((event) => event.type === "tool_start");
    expect(tool).toMatchObject({ tool: "exec", detail: "echo from a real tool" });
    expect(JSON.stringify(model.requests.at(-1)!.messages.at(-1))).toContain("from a real tool");
    expect(readFileSync(task.transcriptPath, "utf8")).toContain("all done");
  });

  it("gives a leaf no tool to spawn with, and no more than the spawn's own lists allow", async () => {
    await run("plain").result;
    expect(offeredTools(model.requests.at(-1)!)).toContain("exec");
    expect(offeredTools(model.requests.at(-1)!)).not.toContain("sessions_spawn");
    await run("plain", { toolsAllow: ["read", "exec", "sessions_spawn"], toolsDeny: ["exec"] }).result;
    expect(offeredTools(model.requests.at(-1)!)).toEqual(["read"]);
  });

  it("tells a model's failure as the run's", async () => {
    const { result } = run("REFUSE");
    expect(await result).toMatchObject({ status: "error", cause: { code: "model_error" } });
    expect((await result).cause!.message).toContain("no such luck");
  });

  it("carries many at once", async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => run("TOOL").result));
    expect(results.map((result) => result.text)).toEqual(Array.from({ length: 8 }, () => "all done"));
  });

  it("puts a message to a run before its model at the next turn boundary", async () => {
    const { result, port, events } = run("STEER");
    await until(() => events.some((event) => event.type === "tool_start"));
    port.postMessage({ type: "steer", text: "you are STEERED" });
    expect(await result).toMatchObject({ status: "ok", text: "heard", usage: { toolCalls: 1 } });
  });

  it("lets go of a hanging model at once when it is aborted", async () => {
    const asked = model.requests.length;
    const { result, port } = run("HANG");
    await until(() => model.requests.length > asked);
    port.postMessage({ type: "abort", cause: { code: "run_timeout", message: "Its time was up." } });
    expect(await result).toMatchObject({ status: "aborted", cause: { code: "run_timeout" } });
  });

  it("tells of the processes its tools start, and ends them when it is aborted", async () => {
    const { result, port, pids } = run("SLEEP");
    await until(() => pids.size > 0);
    const started = [...pids];
    port.postMessage({ type: "abort", cause: { code: "run_killed", message: "Enough." } });
    expect(await result).toMatchObject({ status: "aborted", cause: { code: "run_killed" } });
    await until(() => started.every((pid) => !isAlive(pid)));
  });

  it("goes on in another thread when its own was lost in the midst of a turn", async () => {
    const asked = model.requests.length;
    const lost = run("HANG");
    await until(() => model.requests.length > asked);
    await pool.terminateThread(await lost.threadId);
    await lost.released.catch(() => undefined);
    const { result } = run("", { ...lost.task, prompt: "go on, if you will", resume: "thread_lost" });
    expect(await result).toMatchObject({ status: "ok", text: "ok" });
  });
});

function run(prompt: string, more: Partial<EngineTask> = {}) {
  const { port1, port2 } = new MessageChannel();
  const task = taskOf(prompt, more);
  const result = Promise.withResolvers<EngineResult>();
  const threadId = Promise.withResolvers<number>();
  const events: EngineEvent[] = [];
  const pids = new Set<number>();
  port1.on("message", (message: ToHost) => {
    if (message.type === "started") threadId.resolve(message.threadId);
    if (message.type === "process" && message.alive) pids.add(message.pid);
    if (message.type === "finished") result.resolve(message.result);
    if (message.type !== "events") return;
    events.push(...message.events);
    port1.postMessage({ type: "credit", batches: 1 });
  });
  const released = pool.run(task, port2);
  void released.catch(() => undefined).finally(() => setTimeout(() => port1.close(), 100));
  return { task, port: port1, result: result.promise, threadId: threadId.promise, released, events, pids };
}

let runs = 0;
function taskOf(prompt: string, more: Partial<EngineTask>): EngineTask {
  const id = `run-${++runs}`;
  const task = engineTask(dir, id, "openclaw", prompt);
  register(task.sessionKey, id);
  return {
    ...task,
    model: model.model,
    engineContext: context,
    workspaceDir: join(dir, "workspace"),
    transcriptPath: join(dir, "sessions", `${id}.jsonl`),
    ...more,
  };
}

function gatewayConfig(): Record<string, unknown> {
  const { provider, id, api, baseUrl, apiKey, contextWindow, maxTokens, input } = model.model;
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  const compat = { supportsUsageInStreaming: true };
  const entry = { id, name: id, reasoning: false, input, cost, contextWindow, maxTokens, compat };
  return {
    agents: {
      defaults: { workspace: join(dir, "workspace"), skipBootstrap: true, model: { primary: `${provider}/${id}` } },
    },
    models: { mode: "replace", providers: { [provider]: { baseUrl, apiKey, api, models: [entry] } } },
    session: { store: storePath() },
    tools: { profile: "coding", exec: { host: "gateway", security: "full", ask: "off" } },
    plugins: { deny: ["amazon-bedrock"] },
  };
}

function storePath(): string {
  return join(dir, "sessions", "sessions.json");
}

/** As the plugin registers a child: the runner picks its tools by the role that stands there. */
function register(sessionKey: string, sessionId: string): void {
  const before = existsSync(storePath()) ? (JSON.parse(readFileSync(storePath(), "utf8")) as object) : {};
  const entry = { sessionId, updatedAt: Date.now(), spawnedBy: "agent:main:main", spawnDepth: 1, subagentRole: "leaf" };
  mkdirSync(dirname(storePath()), { recursive: true });
  writeFileSync(storePath(), JSON.stringify({ ...before, [sessionKey]: entry }));
}

function holds(request: RecordedRequest, text: string): boolean {
  return request.messages.some((message) => message.role === "user" && JSON.stringify(message.content).includes(text));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { timeout: 30_000, interval: 20 }).toBe(true);
}
