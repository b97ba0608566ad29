/** What a thread is handed for one turn of a session: the same as the in-process runtime hands it for a child without session tools. */

import { execEnvironment } from "../../../src/adapters/environment.ts";
import type { EngineTask } from "../../../src/channel/protocol.ts";
import type { Config } from "../../../src/config.ts";
import { workerTools } from "../../../src/policy/tool-policy.ts";
import type { ResolvedModel } from "../../../src/types.ts";
import type { ChildRun } from "./child-run.ts";
import type { SessionEntry } from "./session.ts";

export type ChildTaskFacts = {
  config: Config;
  model: ResolvedModel;
  entry: SessionEntry;
  run: ChildRun;
  message: string;
  /** Nothing stands in the transcript yet. */
  first: boolean;
  workspaceDir: string;
  transcriptPath: string;
};

export function childTask({ config, entry, run, message, first, ...rest }: ChildTaskFacts): EngineTask {
  const { tools, agents } = config;
  return {
    ...rest,
    runId: run.runId,
    sessionId: entry.sessionId,
    sessionKey: run.sessionKey,
    agentId: "main",
    engine: config.subagents.engine,
    role: {
      kind: entry["subagentRole"] === "orchestrator" ? "orchestrator" : "leaf",
      depth: entry.spawnDepth ?? 1,
      maxDepth: agents.defaults.subagents.maxSpawnDepth,
      ...(typeof entry["spawnedBy"] === "string" ? { requesterSessionKey: entry["spawnedBy"] } : {}),
      ...(typeof entry["label"] === "string" ? { label: entry["label"] } : {}),
    },
    // The thread says by itself what a child is: the client's words for it would stand there twice.
    prompt: message.replace(/^You are a subagent [^]*?\n\[Subagent Task\]\n/, ""),
    ...(first ? {} : { resume: "next_turn" }),
    tools: workerTools(config, { agentId: "main", kind: "child" }),
    hostTools: [],
    askBeforeToolCall: false,
    modelIdleTimeoutSeconds: agents.defaults.modelIdleTimeoutSeconds,
    execTimeoutSeconds: tools.execTimeoutSeconds,
    execEnv: execEnvironment(process.env),
  };
}
