/** Agents and their defaults, from `agents.list` (a list) or `agents.entries` (by id). */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { AgentConfig, AgentDefaults, SubagentLimits } from "../config.ts";
import type { ConfigIssue } from "../errors.ts";
import type { RawAgent, RawConfig, RawSubagentLimits, RawToolPolicy } from "./schema.ts";
import { swarmConfig } from "./spawn-tools.ts";
import { toolLists } from "./tool-lists.ts";

export function agentDefaults(raw: RawConfig): AgentDefaults {
  const defaults = raw.agents?.defaults;
  return {
    ...(defaults?.model && { model: defaults.model }),
    modelAliases: aliases(defaults?.models),
    ...(defaults?.workspace && { workspace: absolute(defaults.workspace) }),
    ...(defaults?.thinkingDefault && { thinking: defaults.thinkingDefault }),
    modelIdleTimeoutSeconds: modelIdleTimeout(raw),
    subagents: limits(defaults?.subagents ?? {}),
  };
}

/** Agents by id, and the one a main session runs as: the first marked `default`, else the first, else `main`. */
export function agentList(
  raw: RawConfig,
  issues: ConfigIssue[],
): { list: Record<string, AgentConfig>; defaultAgentId: string } {
  const found: { id: string; path: string; agent: RawAgent }[] = [
    ...(raw.agents?.list ?? []).map((agent, index) => ({ id: agent.id, path: `agents.list[${index}].id`, agent })),
    ...Object.entries(raw.agents?.entries ?? {}).map(([id, agent]) => ({ id, path: `agents.entries.${id}`, agent })),
  ];
  const list: Record<string, AgentConfig> = {};
  for (const { id: written, path, agent } of found) {
    const id = written.toLowerCase();
    if (!AGENT_ID.test(id)) {
      issues.push({
        path,
        message: `the agent id "${written}" must be letters, digits, - and _, at most 64, and start with a letter or digit`,
      });
    } else if (Object.hasOwn(list, id)) {
      issues.push({ path, message: `the agent "${id}" is there twice; give one of them another id` });
    } else {
      list[id] = agentConfig(id, agent, raw.tools ?? {});
    }
  }
  const marked = found.find(({ agent }) => agent.default === true) ?? found[0];
  list["main"] ??= agentConfig("main", {}, raw.tools ?? {});
  return { list, defaultAgentId: marked?.id.toLowerCase() ?? "main" };
}

function agentConfig(id: string, agent: RawAgent, everyone: RawToolPolicy): AgentConfig {
  const { allowAgents, model, thinking, requireAgentId } = agent.subagents ?? {};
  return {
    id,
    ...(agent.name && { name: agent.name }),
    ...(agent.model && { model: agent.model }),
    ...(agent.workspace && { workspace: absolute(agent.workspace) }),
    ...(agent.thinkingDefault && { thinking: agent.thinkingDefault }),
    subagents: {
      ...(allowAgents && { allowAgents: lowered(allowAgents) }),
      ...(model && { model }),
      ...(thinking && { thinking }),
      ...(requireAgentId !== undefined && { requireAgentId }),
    },
    tools: {
      ...toolLists(everyone, agent.tools ?? {}),
      ...(agent.tools?.swarm && { swarm: swarmConfig(everyone.swarm, agent.tools.swarm) }),
    },
  };
}

function limits(raw: RawSubagentLimits): SubagentLimits {
  return {
    maxConcurrent: raw.maxConcurrent ?? 8,
    maxSpawnDepth: raw.maxSpawnDepth ?? 2,
    maxChildrenPerAgent: raw.maxChildrenPerAgent ?? 5,
    runTimeoutSeconds: raw.runTimeoutSeconds ?? 0,
    archiveAfterMinutes: raw.archiveAfterMinutes ?? 60,
    announceTimeoutMs: raw.announceTimeoutMs ?? 120_000,
    ...(raw.model && { model: raw.model }),
    ...(raw.thinking && { thinking: raw.thinking }),
    requireAgentId: raw.requireAgentId ?? false,
    ...(raw.allowAgents && { allowAgents: lowered(raw.allowAgents) }),
  };
}

/** OpenClaw has no key for all models; its limit of a whole run bounds the time one call may be silent. */
function modelIdleTimeout(raw: RawConfig): number {
  return Math.min(DEFAULT_IDLE_SECONDS, raw.agents?.defaults?.timeoutSeconds || Infinity);
}

function aliases(models: Record<string, { alias?: string | undefined }> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(models).flatMap(([ref, { alias }]) => (alias === undefined ? [] : [[alias.toLowerCase(), ref]])),
  );
}

function absolute(path: string): string {
  return resolve(/^~(?=$|[/\\])/.test(path) ? join(homedir(), path.slice(1)) : path);
}

function lowered(ids: readonly string[]): string[] {
  return ids.map((id) => id.toLowerCase());
}

const AGENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** OpenClaw 2026.9.6's own for cloud models. */
const DEFAULT_IDLE_SECONDS = 120;
