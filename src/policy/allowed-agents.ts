/** Which agents an agent may spawn: its own allowlist, else the defaults', and always itself. */

import type { Config } from "../config.ts";
import type { AgentsView } from "../types.ts";

/** Without itself. `allowAny`: every configured one. */
export function allowedAgents(config: Config, agentId: string): { allowAny: boolean; ids: string[] } {
  const { subagents } = config.agents.defaults;
  const allowed = agentOf(config, agentId)?.subagents.allowAgents ?? subagents.allowAgents ?? [];
  const allowAny = allowed.includes("*");
  return { allowAny, ids: allowAny ? Object.keys(config.agents.list) : allowed };
}

/** The requester's own agent first, the others by name. */
export function agentsView(config: Config, agentId: string): AgentsView {
  const { allowAny, ids } = allowedAgents(config, agentId);
  const others = [...new Set(ids)].filter((id) => id !== agentId).sort();
  return { requester: agentId, allowAny, agents: [agentId, ...others].map((id) => agentView(config, id)) };
}

function agentView(config: Config, id: string): AgentsView["agents"][number] {
  const agent = agentOf(config, id);
  const { defaults } = config.agents;
  const choices = [agent?.subagents.model, defaults.subagents.model, agent?.model, defaults.model];
  const model = choices.find((choice) => choice?.primary !== undefined)?.primary;
  return {
    id,
    ...(agent?.name === undefined ? {} : { name: agent.name }),
    configured: agent !== undefined,
    ...(agent === undefined || model === undefined ? {} : { model }),
  };
}

/** An id may be a name that every object has, as `constructor`. */
function agentOf({ agents }: Config, id: string): Config["agents"]["list"][string] | undefined {
  return Object.hasOwn(agents.list, id) ? agents.list[id] : undefined;
}
