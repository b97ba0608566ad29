/**
 * One whole run inside this thread before the first real one: model call over HTTP, a tool call, a second model call,
 * transcript, channel. It saves the first child 60–130 ms of loading and compiling (design §8). The scripted server
 * listens on 127.0.0.1 for the moment of the warm-up only.
 */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import type { createServer as createServerType, Server } from "node:http";
import { flushCompileCache } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { MessageChannel, threadId } from "node:worker_threads";
import type { EngineResult, EngineTask, ToHost } from "../channel/protocol.ts";
import { messageOf } from "../errors.ts";
import type { OpenClawContext } from "../sessions/openclaw-context.ts";
import { runTask } from "./run-task.ts";

/** What the run that warms a thread up is made with, when the thread isn't for `pi`. */
export type WarmEngine = { engine: string; context: unknown };

/**
 * Never rejects: a thread that couldn't be warmed is slower once, nothing more.
 * @param dir a folder of ours for the transcript; a thread ended in between leaves one small file that the next start overwrites
 * @returns why it couldn't be warmed, in words
 */
export async function warmUp(dir: string, other?: WarmEngine): Promise<string | undefined> {
  // Loaded here, not at start: it is a good part of a thread's way to its first run.
  const server = scriptedServer((await import("node:http")).createServer, dir);
  const transcriptPath = join(dir, `${threadId}.jsonl`);
  const agentDir = join(dir, `agent-${threadId}`);
  try {
    await rm(transcriptPath, { force: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeFile(join(dir, READ_FILE), "warm\n");
    const { port } = server.address() as AddressInfo;
    const task = warmTask(dir, transcriptPath, port);
    const result = await runOnce(other === undefined ? task : asGuest(task, other, { agentDir, port }));
    if (other !== undefined) await prepareModels(task, other);
    // A thread that is ended later would write nothing.
    flushCompileCache();
    return result?.status === "ok" ? undefined : (result?.cause?.message ?? "its run had no end");
  } catch (error) {
    return messageOf(error);
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(transcriptPath, { force: true }).catch(() => undefined);
    if (other !== undefined) await rm(agentDir, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function runOnce(task: EngineTask): Promise<EngineResult | undefined> {
  const { port1, port2 } = new MessageChannel();
  let result: EngineResult | undefined;
  const finished = new Promise<void>((resolve) => {
    port2.on("message", (message: ToHost) => {
      if (message.type === "events") port2.postMessage({ type: "credit", batches: 1 });
      if (message.type !== "finished") return;
      result = message.result;
      resolve();
    });
  });
  try {
    port2.postMessage({ type: "watch", on: true });
    await runTask(task, port1);
    await finished;
    return result;
  } finally {
    port2.close();
  }
}

/**
 * The same run on the gateway's own runner: with the gateway's config, so that its plugins are loaded as for a real run,
 * a model of ours beside the others, and nothing of it in the gateway's own folders.
 */
function asGuest(
  task: EngineTask,
  { engine, context }: WarmEngine,
  at: { agentDir: string; port: number },
): EngineTask {
  const given = context as OpenClawContext;
  const models = (given.config.models ?? {}) as { providers?: Record<string, unknown> };
  const { provider, id, api, baseUrl, apiKey, contextWindow, maxTokens, input, reasoning } = task.model;
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
  const model = { id, name: id, reasoning, input, cost, contextWindow, maxTokens };
  const providers = { ...models.providers, [provider]: { baseUrl, apiKey, api, models: [model] } };
  return {
    ...task,
    engine,
    engineContext: {
      ...given,
      agentDir: at.agentDir,
      config: { ...given.config, models: { ...models, providers } },
    } satisfies OpenClawContext,
    sessionKey: `agent:main:subagent:warm-up-${threadId}`,
    workspaceDir: given.workspaceDir ?? task.workspaceDir,
  };
}

/**
 * The runner makes a list of the gateway's models at its first run with a config and an agent, for seconds. A run with a
 * model that nobody has gets just so far. Only where the gateway has made its own list already: nothing new is left there.
 */
async function prepareModels(task: EngineTask, { engine, context }: WarmEngine): Promise<void> {
  const given = context as OpenClawContext;
  if (given.agentDir === undefined || !existsSync(join(given.agentDir, "models.json"))) return;
  await runOnce({
    ...task,
    engine,
    engineContext: given satisfies OpenClawContext,
    sessionKey: `agent:main:subagent:warm-up-${threadId}`,
    workspaceDir: given.workspaceDir ?? task.workspaceDir,
  });
}

function warmTask(dir: string, transcriptPath: string, port: number): EngineTask {
  return {
    runId: "warm-up",
    sessionId: "warm-up",
    sessionKey: "agent:main:warm-up",
    agentId: "main",
    engine: "pi",
    role: { kind: "leaf", depth: 1, maxDepth: 1 },
    model: {
      provider: "warm-up",
      id: "warm-up",
      api: "openai-completions",
      baseUrl: `http://127.0.0.1:${port}/v1`,
      apiKey: "none",
      contextWindow: 100_000,
      maxTokens: 1000,
      input: ["text"],
      reasoning: false,
    },
    workspaceDir: dir,
    transcriptPath,
    prompt: "warm up",
    tools: ["list", "read", "find", "search"],
    hostTools: [],
    askBeforeToolCall: false,
    modelIdleTimeoutSeconds: 5,
    execTimeoutSeconds: 5,
    execEnv: {},
  };
}

function scriptedServer(createServer: typeof createServerType, dir: string): Server {
  let calls = 0;
  return createServer((request, response) => {
    request.resume();
    calls += 1;
    const deltas = calls === 1 ? [{ tool_calls: [toolCall(dir)] }] : [{ content: "warm" }, { content: "." }];
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const delta of deltas) response.write(chunk({ delta, finish_reason: null }));
    response.write(chunk({ delta: {}, finish_reason: calls === 1 ? "tool_calls" : "stop" }));
    response.end("data: [DONE]\n\n");
  });
}

function chunk(choice: Record<string, unknown>): string {
  const body = { id: "warm-up", object: "chat.completion.chunk", model: "warm-up", choices: [{ index: 0, ...choice }] };
  return `data: ${JSON.stringify(body)}\n\n`;
}

function toolCall(dir: string) {
  const args = JSON.stringify({ path: join(dir, READ_FILE) });
  return { index: 0, id: "call_1", type: "function", function: { name: "read", arguments: args } };
}

const READ_FILE = "warm-up.txt";
