/** A run that is decided, as its row says it and as this process carries it. Nothing is written here. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { spawnTerms } from "../policy/spawn-terms.ts";
import type { NewRun, RunRow } from "../registry/run-row.ts";
import { childSessionKey } from "../sessions/session-key.ts";
import type { SpawnParams } from "../types.ts";
import { childTools, type SessionTools } from "./child-tools.ts";
import { LiveRun } from "./live-run.ts";
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
  const { params, requester, plan, chosen, attachments, forkOf } = facts;
  const row = newRow(context, facts);
  const thinking = chooseThinking(context.parts.config, plan.agentId, params);
  context.parts.secrets.add(chosen.model, plan.agentId);
  const given = childTools(context, row, params, requester);
  row.tools = [...new Set([...given.tools, ...given.hostTools.map((tool) => tool.name)])];
  return new LiveRun({
    row,
    model: chosen.model,
    ...(thinking === undefined ? {} : { thinking }),
    ...(params.lightContext === true ? { lightContext: true } : {}),
    ...(attachments === undefined ? {} : { attachments }),
    ...(forkOf === undefined ? {} : { forkOf }),
    isolation: plan.isolation,
    timeoutMs: plan.timeoutMs,
    ...given,
  });
}

function newRow(context: NewRunContext, facts: NewRunFacts): NewRun {
  const { params, requester, plan, chosen, workspaceDir, attachments, forkOf, known, idempotencyKey } = facts;
  const sessionId = randomUUID();
  return {
    runId: randomUUID(),
    sessionId,
    childSessionKey: childSessionKey(plan.agentId),
    requesterSessionKey: requester.sessionKey,
    rootSessionKey: known?.rootSessionKey ?? requester.sessionKey,
    agentId: plan.agentId,
    depth: plan.depth,
    role: plan.role,
    ...spawnTerms(params),
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
    ...(attachments === undefined ? {} : { attachmentsDir: attachments.dir, retainAttachments: attachments.retain }),
    ...(requester.turnId === undefined ? {} : { turnId: requester.turnId }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

/** What the row says in the words of the spawn. */
function asGiven({ label, taskName, groupId, completionTarget, budget }: SpawnParams): Partial<NewRun> {
  return {
    ...(label === undefined ? {} : { label }),
    ...(taskName === undefined ? {} : { taskName }),
    ...(groupId === undefined ? {} : { groupId }),
    ...(completionTarget === undefined ? {} : { completionTarget }),
    ...(budget === undefined ? {} : { budget }),
  };
}
