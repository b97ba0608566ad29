/** Collected children (`tools.swarm`): which limits hold for them. */

import type { Config, SwarmConfig } from "../config.ts";

/** As it holds for a requester's agent. */
export function swarmOf(config: Config, agentId: string): SwarmConfig {
  const agent = Object.hasOwn(config.agents.list, agentId) ? config.agents.list[agentId] : undefined;
  return agent?.tools.swarm ?? config.tools.swarm;
}
