/** Agents as OpenClaw's configuration sets them up, in the shape of either version. */

import type { HostConfig } from "./api.ts";

export type AgentEntry = { id: string; default?: boolean; sandbox?: { mode?: string } };

/** Under their ids as they stand in session keys. */
export function agentEntries(config: HostConfig): AgentEntry[] {
  const { list = [], entries = {} } = section(config);
  const named = Object.entries(entries).map(([id, entry]) => ({ ...entry, id }));
  return [...list, ...named].map((entry) => ({ ...entry, id: normalId(entry.id) }));
}

/** What holds for agents that don't set it themselves. */
export function agentDefaults(config: HostConfig): Omit<AgentEntry, "id" | "default"> {
  return section(config).defaults ?? {};
}

/** `agent:<agentId>:…`; the gateway's default agent for keys that name none, `global` being one. */
export function agentOf(sessionKey: string, config: HostConfig): string {
  const named = /^agent:([^:]+):/.exec(sessionKey)?.[1];
  if (named !== undefined) return named;
  const agents = agentEntries(config);
  return (agents.find((agent) => agent.default === true) ?? agents[0])?.id ?? "main";
}

type Agents = { defaults?: AgentEntry; list?: AgentEntry[]; entries?: Record<string, Omit<AgentEntry, "id">> };

function section(config: HostConfig): Agents {
  return config["agents"] ?? {};
}

function normalId(id: unknown): string {
  const text = typeof id === "string" ? id.trim().toLowerCase() : "";
  const tidied = text.replace(/[^a-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "");
  return tidied.slice(0, ID_CHARS) || "main";
}

const ID_CHARS = 64;
