/** A turn of a leaf's session, for tests that hand one to a thread, or to the worker's entry, themselves. */

import { join } from "node:path";

import type { EngineTask } from "../../src/channel/protocol.ts";

export function engineTask(dir: string, id: string, engine: string, prompt: string): EngineTask {
  return {
    runId: id,
    sessionId: id,
    sessionKey: `agent:main:subagent:${id}`,
    agentId: "main",
    engine,
    role: { kind: "leaf", depth: 1, maxDepth: 1 },
    model: {
      provider: "fixture",
      id: "none",
      api: "openai-completions",
      baseUrl: "http://127.0.0.1:9/v1",
      contextWindow: 1_000,
      maxTokens: 100,
      input: ["text"],
      reasoning: false,
    },
    workspaceDir: dir,
    transcriptPath: join(dir, `${id}.jsonl`),
    prompt,
    tools: [],
    hostTools: [],
    askBeforeToolCall: false,
    modelIdleTimeoutSeconds: 5,
    execTimeoutSeconds: 5,
    execEnv: {},
  };
}
