/** Collected children (`tools.swarm`): which limits hold for them, and which batch one belongs to. */

import type { Config, SwarmConfig } from "../config.ts";
import type { Requester, SpawnParams } from "../types.ts";

/** As it holds for a requester's agent. */
export function swarmOf(config: Config, agentId: string): SwarmConfig {
  const agent = Object.hasOwn(config.agents.list, agentId) ? config.agents.list[agentId] : undefined;
  return agent?.tools.swarm ?? config.tools.swarm;
}

/** A batch without a name is what one turn of its requester collects; where turns have none, its whole session. */
export function groupOf({ groupId }: Pick<SpawnParams, "groupId">, { turnId }: Pick<Requester, "turnId">): string {
  return groupId ?? (turnId === undefined ? "session" : `turn:${turnId}`);
}
