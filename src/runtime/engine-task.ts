/** What a thread is handed for one turn of a run. */

import type { AttachedFiles, EngineTask } from "../channel/protocol.ts";
import { childContext } from "./child-tools.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";

/** What opens a turn, and why it is gone on with. */
export type Turn = Pick<EngineTask, "prompt" | "resume">;

export function engineTask({ config, host, execEnv, registry }: Parts, run: LiveRun, turn: Turn): EngineTask {
  const { row, model, thinking, tools, hostTools, toolsAllow, toolsDeny, outputSchema } = run.facts;
  const { bootstrapDir, lightContext, attachments, forkOf } = run.facts;
  return {
    runId: row.runId,
    sessionId: row.sessionId,
    sessionKey: row.childSessionKey,
    agentId: row.agentId,
    engine: config.subagents.engine,
    ...(host.engineContext === undefined ? {} : { engineContext: host.engineContext(childContext(row)) }),
    role: {
      kind: row.role,
      depth: row.depth,
      maxDepth: config.agents.defaults.subagents.maxSpawnDepth,
      requesterSessionKey: row.requesterSessionKey,
      ...(row.label === undefined ? {} : { label: row.label }),
    },
    model,
    ...(thinking === undefined ? {} : { thinking }),
    workspaceDir: row.workspaceDir,
    ...(bootstrapDir === undefined ? {} : { bootstrapDir }),
    ...(config.rules === "2026.4.1" ? { bootstrapFiles: ["AGENTS.md", "TOOLS.md"] } : {}),
    ...(lightContext === undefined ? {} : { lightContext }),
    ...(attachments === undefined ? {} : { attachments: attachmentsTask(attachments) }),
    transcriptPath: row.transcriptPath,
    ...(forkOf === undefined ? {} : { forkOf }),
    ...turn,
    tools,
    ...(toolsAllow === undefined ? {} : { toolsAllow }),
    ...(toolsDeny === undefined ? {} : { toolsDeny }),
    hostTools: hostTools.map(({ execute: _onHost, ...spec }) => spec),
    ...(registry.budgets.counts(row.runId) ? { counted: true } : {}),
    askBeforeToolCall: host.beforeToolCall !== undefined,
    modelIdleTimeoutSeconds: config.agents.defaults.modelIdleTimeoutSeconds,
    execTimeoutSeconds: config.tools.execTimeoutSeconds,
    execEnv,
    ...(outputSchema === undefined ? {} : { outputSchema }),
  };
}

function attachmentsTask({ receipt, mountPath }: NonNullable<LiveRun["facts"]["attachments"]>): AttachedFiles {
  const { relDir, files, totalBytes } = receipt;
  const names = files.map(({ name }) => name);
  return { relDir, names, totalBytes, ...(mountPath === undefined ? {} : { mountPath }) };
}
