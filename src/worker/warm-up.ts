/**
 * One whole run inside this thread before the first real one: model call over HTTP, a tool call, a second model call,
 * transcript, channel. It saves the first child 60–130 ms of loading and compiling (design §8). The scripted server
 * listens on 127.0.0.1 for the moment of the warm-up only.
 */

import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { createServer as createServerType, Server } from "node:http";
import { flushCompileCache } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { MessageChannel, threadId } from "node:worker_threads";
import type { EngineTask, ToHost } from "../channel/protocol.ts";
import { runTask } from "./run-task.ts";

/**
 * Never rejects: a thread that couldn't be warmed is slower once, nothing more.
 * @param dir a folder of ours for the transcript; a thread ended in between leaves one small file that the next start overwrites
 */
export async function warmUp(dir: string): Promise<void> {
  // Loaded here, not at start: it is a good part of a thread's way to its first run.
  const server = scriptedServer((await import("node:http")).createServer);
  const transcriptPath = join(dir, `${threadId}.jsonl`);
  try {
    await rm(transcriptPath, { force: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    await runOnce(warmTask(dir, transcriptPath, (server.address() as AddressInfo).port));
    // A thread that is ended later would write nothing.
    flushCompileCache();
  } catch {
    // Said above: not worth a failure.
  } finally {
    server.close();
    server.closeAllConnections();
    await rm(transcriptPath, { force: true }).catch(() => undefined);
  }
}

async function runOnce(task: EngineTask): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  port2.on("message", (message: ToHost) => {
    if (message.type === "events") port2.postMessage({ type: "credit", batches: 1 });
  });
  try {
    port2.postMessage({ type: "watch", on: true });
    await runTask(task, port1);
  } finally {
    port2.close();
  }
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

function scriptedServer(createServer: typeof createServerType): Server {
  let calls = 0;
  return createServer((request, response) => {
    request.resume();
    calls += 1;
    const deltas = calls === 1 ? [{ tool_calls: [LIST_CALL] }] : [{ content: "warm" }, { content: "." }];
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

const LIST_CALL = { index: 0, id: "call_1", type: "function", function: { name: "list", arguments: "{}" } };
