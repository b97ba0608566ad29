/** Which sessions another one may reach: OpenClaw's own settings, `tools.sessions.visibility` and `tools.agentToAgent`. */

import type { HostConfig } from "./api.ts";
import { agentOf } from "./agents.ts";

/**
 * For sessions that are no children of the one that asks: those it reaches as their requester.
 * @returns why not, in one sentence; undefined when it may
 */
export function outOfReach(config: HostConfig, from: string, to: string): string | undefined {
  const tools = (config["tools"] ?? {}) as ToolSettings;
  const visibility = tools.sessions?.visibility ?? "tree";
  if (visibility !== "agent" && visibility !== "all") {
    return `${to} can't be reached from ${from}: tools.sessions.visibility is "${visibility}", which lets a session reach its own subagents only.`;
  }
  const [own, other] = [agentOf(from, config), agentOf(to, config)];
  if (own === other) return undefined;
  const { enabled = false, allow = [] } = tools.agentToAgent ?? {};
  const listed = (agent: string): boolean => allow.includes("*") || allow.includes(agent);
  if (visibility === "all" && enabled && listed(own) && listed(other)) return undefined;
  return `${to} can't be reached from ${from}: it takes tools.sessions.visibility "all" and both agents in tools.agentToAgent.`;
}

type ToolSettings = {
  sessions?: { visibility?: string };
  agentToAgent?: { enabled?: boolean; allow?: string[] };
};
