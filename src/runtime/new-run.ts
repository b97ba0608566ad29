/** A run that is decided, as its row says it and as this process carries it. Nothing is written here. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { spawnTerms } from "../policy/spawn-terms.ts";
import { groupOf, swarmOf } from "../policy/swarm.ts";
import type { NewRun, RunRow } from "../registry/run-row.ts";
import { childSessionKey } from "../sessions/session-key.ts";
import type { Requester, SpawnParams } from "../types.ts";
import { childTools, type SessionTools } from "./child-tools.ts";
import { LiveRun, type LiveRunFacts } from "./live-run.ts";
import { keptTerms } from "./kept-sessions.ts";
import { chooseThinking } from "./model-choice.ts";
import type { Parts } from "./parts.ts";
import type { Asked, Prepared } from "./preparations.ts";
import type { SubagentRuntime } from "./runtime.ts";

export type NewRunContext = {
  parts: Parts;
  runtime: SubagentRuntime;
  sessionTools: SessionTools;
  transcriptsDir: string;
};

export type NewRunFacts = Asked &
  Prepared & {
    /** The requester's own run, when it is a child of ours. */
    known: RunRow | undefined;
    idempotencyKey: string | undefined;
  };

export function newRun(context: NewRunContext, facts: NewRunFacts): LiveRun {
  const { params, requester, plan, chosen, bootstrapDir, attachments, forkOf } = facts;
  const row = newRow(context, facts);
  const above = context.parts.live.ofSession(requester.sessionKey)?.facts.thinking;
  const thinking = chooseThinking(context.parts.config, plan.agentId, params, above);
  context.parts.secrets.add(chosen.model, plan.agentId);
  const given = childTools(context, row, params, requester);
  row.tools = [...new Set([...given.tools, ...given.hostTools.map((tool) => tool.name)])];
  const run: LiveRun = new LiveRun({
    row,
    model: chosen.model,
    ...(thinking === undefined ? {} : { thinking }),
    ...(bootstrapDir === undefined ? {} : { bootstrapDir }),
    ...(params.lightContext === true ? { lightContext: true } : {}),
    ...(attachments === undefined ? {} : { attachments }),
    ...(forkOf === undefined ? {} : { forkOf }),
    isolation: plan.isolation,
    timeoutMs: plan.timeoutMs,
    ...given,
    ...(row.collect ? { batch: batchOf(row, context.parts.config, requester) } : {}),
    ...(params.outputSchema === undefined ? {} : { outputSchema: params.outputSchema }),
  });
  if (row.mode === "session") row.kept = keptTerms(run.facts);
  return run;
}

function newRow(context: NewRunContext, facts: NewRunFacts): NewRun {
  const { params, requester, plan, chosen, workspaceDir, attachments, forkOf, known, idempotencyKey } = facts;
  const sessionId = randomUUID();
  const terms = spawnTerms(params);
  return {
    runId: randomUUID(),
    sessionId,
    childSessionKey: childSessionKey(plan.agentId),
    requesterSessionKey: requester.sessionKey,
    rootSessionKey: known?.rootSessionKey ?? requester.sessionKey,
    agentId: plan.agentId,
    depth: plan.depth,
    role: plan.role,
    ...terms,
    context: forkOf === undefined ? "isolated" : "fork",
    task: params.task,
    model: `${chosen.model.provider}/${chosen.model.id}`,
    workspaceDir,
    transcriptPath:
      context.parts.host.transcriptPath?.(plan.agentId, sessionId) ??
      join(context.transcriptsDir, plan.agentId, `${sessionId}.jsonl`),
    createdAt: Date.now(),
    ...(known === undefined ? {} : { parentRunId: known.runId }),
    ...asGiven(params),
    ...(terms.collect ? { groupId: groupOf(params, requester) } : {}),
    ...(attachments === undefined ? {} : { attachmentsDir: attachments.dir, retainAttachments: attachments.retain }),
    ...(requester.turnId === undefined ? {} : { turnId: requester.turnId }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** Of the same name, another requester's is another one. */
function batchOf(row: NewRun, config: Config, { agentId }: Requester): LiveRunFacts["batch"] & object {
  const group = JSON.stringify([row.requesterSessionKey, row.groupId]);
  return { group, limit: swarmOf(config, agentId).maxConcurrent };
}

/** What the row says in the words of the spawn. */
function asGiven({ label, taskName, completionTarget, budget }: SpawnParams): Partial<NewRun> {
  return {
    ...(label === undefined ? {} : { label }),
    ...(taskName === undefined ? {} : { taskName }),
    ...(completionTarget === undefined ? {} : { completionTarget }),
    ...(budget === undefined ? {} : { budget }),
  };
}
