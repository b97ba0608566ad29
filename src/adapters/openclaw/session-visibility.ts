/**
 * Which sessions another one may reach: OpenClaw's own settings, `tools.sessions.visibility`, `tools.agentToAgent` and
 * what it leaves a sandboxed session of them.
 */

import { anyOf } from "../../glob.ts";
import type { HostConfig } from "./api.ts";
import { agentDefaults, agentOf } from "./agents.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import { isMain, isSandboxed } from "./sandbox.ts";

/**
 * For sessions that are no children of the one that asks: those it reaches as their requester, unless it is alone.
 * @returns why not, in one sentence; undefined when it may
 */
export function outOfReach(
  config: HostConfig,
  from: string,
  to: string,
  host: Pick<OpenClawPackage, "sessionsInFiles">,
): string | undefined {
  const defaults = host.sessionsInFiles ? IN_4 : FROM_9;
  const clamped = isClamped(config, from);
  const visibility = clamped ? "tree" : (setVisibility(config) ?? defaults.visibility);
  const [own, other] = [agentOf(from, config), agentOf(to, config)];
  if (visibility === "tree" && !clamped && defaults.mainReachesAgent && own === other && isMain(config, own, from)) {
    return undefined;
  }
  if (visibility === "self" || visibility === "tree") {
    const why = clamped
      ? "it is sandboxed (agents.defaults.sandbox.sessionToolsVisibility)"
      : `tools.sessions.visibility is "${visibility}"`;
    return `${to} can't be reached from ${from}: ${why}, which lets a session reach ${REACHES[visibility]} only.`;
  }
  if (own === other) return undefined;
  const { enabled = defaults.agentToAgent, allow = [] } = toolSettings(config).agentToAgent ?? {};
  const listed = (agent: string): boolean => allow.length === 0 || allow.some((entry) => stands(entry, agent));
  if (visibility === "all" && enabled && listed(own) && listed(other)) return undefined;
  return `${to} can't be reached from ${from}: it takes tools.sessions.visibility "all", and tools.agentToAgent enabled for both agents.`;
}

/** Whether a session sees and reaches no other one, its own subagents included. */
export function seesOnlyItself(config: HostConfig, sessionKey: string): boolean {
  return setVisibility(config) === "self" && !isClamped(config, sessionKey);
}

type Visibility = "self" | "tree" | "agent" | "all";

function setVisibility(config: HostConfig): Visibility | undefined {
  const set = toolSettings(config).sessions?.visibility?.trim().toLowerCase();
  return VISIBILITIES.find((visibility) => visibility === set);
}

/** A sandboxed session has `tree` in place of every other setting, the narrower one included. */
function isClamped(config: HostConfig, sessionKey: string): boolean {
  const { sessionToolsVisibility = "spawned" } = (agentDefaults(config).sandbox ?? {}) as SandboxSettings;
  return (
    sessionToolsVisibility === "spawned" && isSandboxed(config, { sessionKey, agentId: agentOf(sessionKey, config) })
  );
}

/** An agent's id as it stands, or a pattern with `*` in any case. */
function stands(entry: string, agent: string): boolean {
  const pattern = entry.trim();
  if (!pattern.includes("*")) return pattern === agent;
  return anyOf([pattern.toLowerCase()])(agent.toLowerCase());
}

function toolSettings(config: HostConfig): ToolSettings {
  return config["tools"] ?? {};
}

type ToolSettings = {
  sessions?: { visibility?: string };
  agentToAgent?: { enabled?: boolean; allow?: string[] };
};
type SandboxSettings = { sessionToolsVisibility?: string };

/** What holds where nothing is set, and whether `tree` lets an agent's main session reach all of that agent's. */
const IN_4 = { visibility: "tree", agentToAgent: false, mainReachesAgent: false } as const;
const FROM_9 = { visibility: "all", agentToAgent: true, mainReachesAgent: true } as const;
const VISIBILITIES: readonly Visibility[] = ["self", "tree", "agent", "all"];
const REACHES = { self: "itself", tree: "its own subagents" };
