/**
 * Which of our ways in OpenClaw's tool policy offers to an agent's models: `tools` and the agent's own `tools`, as either
 * version counts them. What holds for one provider, group or sandbox only isn't looked at.
 */

import { PLUGIN_ID } from "../../config/schema.ts";
import { anyOf } from "../../glob.ts";
import { agentEntries, type AgentEntry } from "./agents.ts";
import type { HostConfig } from "./api.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import { OWN_TOOLS } from "./own-tools.ts";

export type ToolScope = { profile?: string; allow?: string[]; alsoAllow?: string[]; deny?: string[] };

export type Keeper = {
  /** The setting that keeps a tool back, in words. */
  setting: string;
  /** The setting that would let a plugin's tools through, with what it must hold then; absent: a list doesn't do it. */
  remedy?: { path: string; value: string[] };
};

/** An undefined keeper: the models are offered it. */
export type ToolOffer = { agentId: string; spawn: Keeper | undefined; own: Keeper | undefined };

/** One for each agent; for `main` where none are set up. */
export function toolOffers(config: HostConfig, host: Pick<OpenClawPackage, "sessionsInFiles">): ToolOffer[] {
  const shared: Scope = { path: "tools", tools: config["tools"] ?? {} };
  const agents = agentEntries(config);
  const scopes = agents.map((agent, index): Scope => ({ path: pathOf(config, index), tools: toolsOf(agent) }));
  const pairs = scopes.length === 0 ? [{ path: "", tools: {} }] : scopes;
  return pairs.map((own, index) => ({
    agentId: agents[index]?.id ?? "main",
    spawn: keeperOf(SPAWN, shared, own, host),
    own: keeperOf(OWN, shared, own, host),
  }));
}

type Scope = { path: string; tools: ToolScope };

function toolsOf(agent: AgentEntry & { tools?: ToolScope }): ToolScope {
  return agent.tools ?? {};
}

/** As `agentEntries` puts them in order. */
function pathOf(config: HostConfig, index: number): string {
  const { list = [], entries = {} } = (config["agents"] ?? {}) as { list?: unknown[]; entries?: object };
  if (index < list.length) return `agents.list[${index}].tools`;
  return `agents.entries.${Object.keys(entries)[index - list.length]}.tools`;
}

function keeperOf(
  tool: Tool,
  shared: Scope,
  own: Scope,
  host: Pick<OpenClawPackage, "sessionsInFiles">,
): Keeper | undefined {
  for (const { path, tools } of [shared, own]) {
    const denied = (tools.deny ?? []).find((entry) => covers(entry, tool));
    if (denied !== undefined) return { setting: `${path}.deny has ${denied}` };
  }
  return keptByProfile(tool, shared, own, host) ?? keptByAllow(tool, shared) ?? keptByAllow(tool, own);
}

/** An agent's own profile and additions stand in the place of the shared ones. */
function keptByProfile(
  tool: Tool,
  shared: Scope,
  own: Scope,
  host: Pick<OpenClawPackage, "sessionsInFiles">,
): Keeper | undefined {
  const from = own.tools.profile === undefined ? shared : own;
  const { profile } = from.tools;
  if (profile === undefined || !LIMITED_PROFILES.includes(profile)) return undefined;
  const alsoFrom = own.tools.alsoAllow === undefined ? shared : own;
  const also = alsoFrom.tools.alsoAllow ?? [];
  if (also.some((entry) => covers(entry, tool))) return undefined;
  const has = host.sessionsInFiles ? ["coding"] : ["coding", "messaging"];
  if (tool === SPAWN && has.includes(profile)) return undefined;
  const setting = `${from.path}.profile is "${profile}"`;
  // OpenClaw refuses both lists in one place.
  if (isSet(alsoFrom.tools.allow)) return { setting: `${setting}, and ${alsoFrom.path}.allow leaves it no alsoAllow` };
  return { setting, remedy: { path: `${alsoFrom.path}.alsoAllow`, value: [...also, PLUGIN_ID] } };
}

function keptByAllow(tool: Tool, { path, tools }: Scope): Keeper | undefined {
  const { allow, alsoAllow = [] } = tools;
  // A list of nothing but a plugin's tools limits nobody.
  if (!isSet(allow) || allow.every((entry) => covers(entry, OWN) && !entry.includes("*"))) return undefined;
  if ([...allow, ...alsoAllow].some((entry) => covers(entry, tool))) return undefined;
  return { setting: `${path}.allow doesn't have it`, remedy: { path: `${path}.allow`, value: [...allow, PLUGIN_ID] } };
}

function isSet(list: string[] | undefined): list is string[] {
  return list !== undefined && list.length > 0;
}

/** Whether an entry of a list, a group or pattern included, is about the tool. */
function covers(entry: string, { name, groups }: Tool): boolean {
  const named = entry.trim().toLowerCase();
  if (groups.includes(named)) return true;
  if (!named.includes("*")) return named === name || (name === OWN.name && OWN_TOOLS.includes(named));
  return anyOf([named])(name);
}

type Tool = { name: string; groups: readonly string[] };

const SPAWN: Tool = { name: "sessions_spawn", groups: ["group:sessions", "group:openclaw"] };
/** The first of them stands for all. */
const OWN: Tool = { name: "sessions_spawn_inprocess", groups: [PLUGIN_ID, "group:plugins"] };
const LIMITED_PROFILES = ["minimal", "coding", "messaging"];
