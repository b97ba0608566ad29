/** From a spawn call to an admitted run: decide, resolve the model, then count and insert without an await in between. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { causeOf } from "../errors.ts";
import { refuseParams } from "../policy/spawn-params.ts";
import { isRefusal, laneFull, planSpawn, tooManyChildren, type Refusal } from "../policy/spawn-policy.ts";
import { toolFilter, workerTools, type ToolQuestion } from "../policy/tool-policy.ts";
import type { NewRun } from "../registry/run-row.ts";
import { childSessionKey } from "../sessions/session-key.ts";
import type { Requester, SpawnParams, SpawnResult } from "../types.ts";
import { chooseWorkspace } from "./child-workspace.ts";
import { LiveRun } from "./live-run.ts";
import { chooseModel, chooseThinking } from "./model-choice.ts";
import type { Parts, SessionTools } from "./parts.ts";
import type { SubagentRuntime } from "./runtime.ts";

export type Admitted = { run: LiveRun; result: Extract<SpawnResult, { status: "accepted" }> };

export type AdmitContext = {
  parts: Parts;
  runtime: SubagentRuntime;
  sessionTools: SessionTools;
  transcriptsDir: string;
  /** Puts the run into the lane. */
  start(run: LiveRun): void;
};

/** Refusals are results; nothing is left behind by one. */
export async function admit(
  context: AdmitContext,
  params: SpawnParams,
  requester: Requester,
  idempotencyKey: string | undefined,
): Promise<Admitted | { refused: SpawnResult }> {
  const { parts } = context;
  const { config, host, registry, lane, live } = parts;
  const invalid = refuseParams(params);
  if (invalid !== undefined) return refuse(invalid);

  const known = registry.byChildSession(requester.sessionKey);
  // What the registry knows of a child of ours counts more than what the caller says of it.
  const depth = Math.max(known?.depth ?? 0, requester.depth ?? 0);
  const plan = planSpawn(config, params, requester, depth);
  if (isRefusal(plan)) return refuse(plan);

  let chosen, workspaceDir;
  try {
    chosen = await chooseModel(config, host, plan.agentId, params, requester);
    workspaceDir = await chooseWorkspace(host, params, requester, plan.agentId);
  } catch (error) {
    return refuse({ status: "error", ...causeOf(error, "model_unusable") });
  }

  const row: NewRun = {
    runId: randomUUID(),
    sessionId: randomUUID(),
    childSessionKey: childSessionKey(plan.agentId),
    requesterSessionKey: requester.sessionKey,
    rootSessionKey: known?.rootSessionKey ?? requester.sessionKey,
    agentId: plan.agentId,
    depth: plan.depth,
    role: plan.role,
    task: params.task,
    model: `${chosen.model.provider}/${chosen.model.id}`,
    workspaceDir,
    transcriptPath: "",
    cleanup: params.cleanup ?? "keep",
    expectsCompletion: params.expectsCompletionMessage ?? true,
    createdAt: Date.now(),
    ...(known === undefined ? {} : { parentRunId: known.runId }),
    ...(params.label === undefined ? {} : { label: params.label }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
  row.transcriptPath = join(context.transcriptsDir, plan.agentId, `${row.sessionId}.jsonl`);

  const { maxChildrenPerAgent } = config.agents.defaults.subagents;
  const admission = registry.admit(row, {
    maxChildren: maxChildrenPerAgent,
    maxQueued: config.subagents.pool.maxQueue + lane.slots,
  });
  if (!admission.ok) {
    if (admission.reason === "duplicate") return { refused: repeated(parts, admission.runId) };
    return refuse(
      admission.reason === "children"
        ? tooManyChildren(admission.active, admission.limit)
        : laneFull(admission.queued, config.subagents.pool.maxQueue),
    );
  }

  const question: ToolQuestion = {
    agentId: plan.agentId,
    kind: "child",
    ...(params.toolsAllow === undefined ? {} : { allow: params.toolsAllow }),
    ...(params.toolsDeny === undefined ? {} : { deny: params.toolsDeny }),
  };
  const tools = workerTools(config, question, requester.tools);
  const thinking = chooseThinking(config, plan.agentId, params);
  const run = new LiveRun({
    row,
    task: params.task,
    model: chosen.model,
    ...(thinking === undefined ? {} : { thinking }),
    isolation: plan.isolation,
    timeoutMs: plan.timeoutMs,
    tools,
    hostTools: [],
  });
  run.facts.hostTools = hostToolsFor(context, run, toolFilter(config, question));
  live.add(run);
  const { ahead } = lane;
  context.start(run);
  return {
    run,
    result: {
      status: "accepted",
      childSessionKey: row.childSessionKey,
      runId: row.runId,
      mode: "run",
      note: ACCEPTED_NOTE,
      runtime: "inprocess",
      isolation: plan.isolation,
      resolvedModel: chosen.model.id,
      resolvedProvider: chosen.model.provider,
      modelApplied: chosen.applied,
      expectsCompletionMessage: row.expectsCompletion,
      ...(ahead > 0 ? { queuePosition: ahead } : {}),
    },
  };
}

/** The answer given for an earlier spawn with the same idempotency key. */
function repeated({ registry, live }: Parts, runId: string): SpawnResult {
  const row = registry.run(runId)!;
  const [provider = "", ...id] = (row.model ?? "").split("/");
  return {
    status: "accepted",
    childSessionKey: row.childSessionKey,
    runId,
    mode: "run",
    note: ACCEPTED_NOTE,
    runtime: "inprocess",
    isolation: live.get(runId)?.facts.isolation ?? "thread",
    resolvedModel: id.join("/"),
    resolvedProvider: provider,
    modelApplied: false,
    expectsCompletionMessage: row.expectsCompletion,
  };
}

/** Session tools for one that may spawn, and what the gateway itself offers. */
function hostToolsFor(
  { parts, runtime, sessionTools }: AdmitContext,
  run: LiveRun,
  permitted: (name: string) => boolean,
) {
  const { row, tools, model } = run.facts;
  const ofGateway = parts.host.hostTools?.(run.context) ?? [];
  const ofSession =
    row.role === "leaf"
      ? []
      : sessionTools(runtime, {
          sessionKey: row.childSessionKey,
          agentId: row.agentId,
          depth: row.depth,
          workspaceDir: row.workspaceDir,
          tools,
          model: `${model.provider}/${model.id}`,
        });
  return [...ofGateway, ...ofSession].filter((tool) => permitted(tool.name));
}

function refuse({ status, code, message }: Refusal): { refused: SpawnResult } {
  return { refused: { status, code, error: message } };
}

const ACCEPTED_NOTE =
  "Started. The result comes to you by itself as a message; don't poll for it. When you need several results, end your turn and wait for all of them before the final answer. If a result comes after your final answer and changes nothing, reply only NO_REPLY.";
