/**
 * A session that stays, from one run to the next: what is written down of the first for those after it, and a follow-up
 * as its row says it and as this process carries it. Nothing is written here. The session's states:
 * registry/kept-sessions.ts.
 */

import { randomUUID } from "node:crypto";
import type { KeptTerms, NewRun, RunRow } from "../registry/run-row.ts";
import type { Isolation, ResolvedModel } from "../types.ts";
import { childTools, type SessionTools } from "./child-tools.ts";
import { LiveRun, type LiveRunFacts } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { SubagentRuntime } from "./runtime.ts";

/** Never a key: the model is resolved again for each run. */
export function keptTerms(facts: LiveRunFacts): KeptTerms {
  const { model, thinking, bootstrapDir, lightContext, isolation, timeoutMs, toolsAllow, toolsDeny, attachments } =
    facts;
  return {
    models: [refOf(model), ...(model.fallbacks ?? []).map(refOf)],
    isolation,
    timeoutMs,
    ...(thinking === undefined ? {} : { thinking }),
    ...(bootstrapDir === undefined ? {} : { bootstrapDir }),
    ...(lightContext === undefined ? {} : { lightContext }),
    ...(toolsAllow === undefined ? {} : { toolsAllow }),
    ...(toolsDeny === undefined ? {} : { toolsDeny }),
    ...(attachments === undefined ? {} : { attachments: shown(attachments) }),
  };
}

export type FollowUp = {
  /** The session's newest run, which has settled. */
  before: RunRow & { kept: KeptTerms };
  task: string;
  model: ResolvedModel;
  isolation: Isolation;
  /** Of the requester: its run, when it is a child of ours, and its turn. */
  parentRunId?: string;
  turnId?: string;
};

/** The same child with the same tools, as far as the configuration still allows them, and nothing begun but its session. */
export function followUpRun(
  context: { parts: Parts; runtime: SubagentRuntime; sessionTools: SessionTools },
  { before, task, model, isolation, parentRunId, turnId }: FollowUp,
): LiveRun {
  const { kept } = before;
  const { tools, toolsAllow, toolsDeny } = { ...kept, tools: before.tools };
  const row: NewRun = {
    ...lasting(before),
    runId: randomUUID(),
    task,
    model: refOf(model),
    createdAt: Date.now(),
    ...(parentRunId === undefined ? {} : { parentRunId }),
    ...(turnId === undefined ? {} : { turnId }),
  };
  // What its requester had when it was spawned stands in those lists; what that has by now doesn't count.
  const had = { sessionKey: "", agentId: before.agentId, ...(tools === undefined ? {} : { tools }) };
  const lists = {
    ...(toolsAllow === undefined ? {} : { toolsAllow }),
    ...(toolsDeny === undefined ? {} : { toolsDeny }),
  };
  const given = childTools(context, row, lists, had);
  row.tools = [...new Set([...given.tools, ...given.hostTools.map(({ name }) => name)])];
  context.parts.secrets.add(model, row.agentId);
  return new LiveRun({
    row,
    model,
    ...(kept.thinking === undefined ? {} : { thinking: kept.thinking }),
    ...(kept.bootstrapDir === undefined ? {} : { bootstrapDir: kept.bootstrapDir }),
    ...(kept.lightContext === undefined ? {} : { lightContext: kept.lightContext }),
    ...(kept.attachments === undefined ? {} : { attachments: kept.attachments }),
    isolation,
    timeoutMs: kept.timeoutMs,
    tools: given.tools,
    hostTools: given.hostTools,
    ...lists,
  });
}

/** What is the session's, and not one run's. */
function lasting(before: FollowUp["before"]): Omit<NewRun, "runId" | "task" | "createdAt"> {
  const { sessionId, childSessionKey, requesterSessionKey, rootSessionKey, agentId, depth, role } = before;
  const { mode, context, collect, workspaceDir, transcriptPath, cleanup, expectsCompletion, kept } = before;
  const { label, taskName, tools, budget, attachmentsDir, retainAttachments } = before;
  return {
    ...{ sessionId, childSessionKey, requesterSessionKey, rootSessionKey, agentId, depth, role },
    ...{ mode, context, collect, workspaceDir, transcriptPath, cleanup, expectsCompletion, kept },
    ...(label === undefined ? {} : { label }),
    ...(taskName === undefined ? {} : { taskName }),
    ...(tools === undefined ? {} : { tools }),
    ...(budget === undefined ? {} : { budget }),
    ...(attachmentsDir === undefined ? {} : { attachmentsDir }),
    ...(retainAttachments === undefined ? {} : { retainAttachments }),
  };
}

function shown({
  receipt,
  mountPath,
}: NonNullable<LiveRunFacts["attachments"]>): NonNullable<KeptTerms["attachments"]> {
  return { receipt, ...(mountPath === undefined ? {} : { mountPath }) };
}

function refOf({ provider, id }: Pick<ResolvedModel, "provider" | "id">): string {
  return `${provider}/${id}`;
}
