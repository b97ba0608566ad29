/** What a child can do: tools of its thread by name, and tools that work on the host for it. */

import type { ChildContext, HostTool } from "../host.ts";
import { isKeptBack, listsWithin, toolFilter, workerTools, type ToolQuestion } from "../policy/tool-policy.ts";
import type { NewRun } from "../registry/run-row.ts";
import type { Requester, SpawnParams } from "../types.ts";
import type { LiveRunFacts } from "./live-run.ts";
import type { LiveRuns, Parts } from "./parts.ts";
import type { SubagentRuntime } from "./runtime.ts";

/** Gives a child its session tools (`sessions_spawn`, …); handed in because `tools/` builds on the runtime's contract. */
export type SessionTools = (runtime: SubagentRuntime, requester: Requester) => HostTool[];

export function childTools(
  context: { parts: Parts; runtime: SubagentRuntime; sessionTools: SessionTools },
  row: NewRun,
  params: Pick<SpawnParams, "toolsAllow" | "toolsDeny">,
  requester: Asking,
): Pick<LiveRunFacts, "tools" | "hostTools" | "toolsAllow" | "toolsDeny"> {
  const { config, host, live } = context.parts;
  const { toolsAllow, toolsDeny } = params;
  const question: ToolQuestion = {
    agentId: row.agentId,
    kind: "child",
    ...(toolsAllow === undefined ? {} : { allow: toolsAllow }),
    ...(toolsDeny === undefined ? {} : { deny: toolsDeny }),
    within: toolsOf(requester, live),
    above: agentLimits(requester.agentId, row.agentId, config),
  };
  const lists = listsWithin(limitsOf(requester, row.agentId, context.parts), {
    allow: toolsAllow,
    deny: toolsDeny,
  });
  const tools = workerTools(config, question);
  const permitted = toolFilter(config, question);
  const keptBack = isKeptBack(config, row.role);
  const ofGateway = (host.hostTools?.(childContext(row)) ?? []).filter(({ name }) => !keptBack(name));
  const taken = new Set(ofGateway.map((tool) => tool.name));
  const ofSession = row.role === "leaf" ? [] : context.sessionTools(context.runtime, asRequester(row));
  const hostTools = [...ofGateway, ...ofSession.filter((tool) => !taken.has(tool.name))];
  return {
    tools,
    hostTools: hostTools.filter((tool) => permitted(tool.name)),
    ...(lists.allow === undefined ? {} : { toolsAllow: lists.allow }),
    ...(lists.deny === undefined ? {} : { toolsDeny: lists.deny }),
  };
}

type Asking = Pick<Requester, "sessionKey" | "agentId" | "tools">;

/**
 * What the requester's agent is held to by the config; nothing for a child of the same agent, which is held to it anyway.
 * A main session needn't say which tools it has, and its agent is denied some all the same.
 */
function agentLimits(agentId: string, childAgentId: string, { agents }: Parts["config"]): Limits {
  return agentId === childAgentId ? {} : (agents.list[agentId]?.tools ?? {});
}

type Limits = Parameters<typeof listsWithin>[0];

/** A child of ours has what its run was given, whatever the caller says of it. */
function toolsOf({ sessionKey, tools }: Asking, live: LiveRuns): string[] | undefined {
  const facts = live.ofSession(sessionKey)?.facts;
  return facts === undefined ? tools : [...facts.tools, ...facts.hostTools.map(({ name }) => name)];
}

/** What its requester is held to, as lists: an engine with tools of its own can't be told them by name. */
function limitsOf(
  { sessionKey, agentId, tools }: Asking,
  childAgentId: string,
  { live, config }: Pick<Parts, "live" | "config">,
): Limits {
  const facts = live.ofSession(sessionKey)?.facts;
  const lists = facts === undefined ? { allow: tools } : { allow: facts.toolsAllow, deny: facts.toolsDeny };
  return listsWithin(lists, agentLimits(facts?.row.agentId ?? agentId, childAgentId, config));
}

/** A child as its host sees it. */
export function childContext(row: NewRun): ChildContext {
  return {
    runId: row.runId,
    sessionKey: row.childSessionKey,
    requesterSessionKey: row.requesterSessionKey,
    agentId: row.agentId,
    depth: row.depth,
    role: row.role,
    workspaceDir: row.workspaceDir,
    sessionId: row.sessionId,
    transcriptPath: row.transcriptPath,
    task: row.task,
    ...(row.model === undefined ? {} : { model: row.model }),
    ...(row.label === undefined ? {} : { label: row.label }),
  };
}

/** A child that spawns; which tools it has is looked up when it does. */
function asRequester(row: NewRun): Requester {
  return {
    sessionKey: row.childSessionKey,
    agentId: row.agentId,
    depth: row.depth,
    workspaceDir: row.workspaceDir,
    ...(row.model === undefined ? {} : { model: row.model }),
  };
}
