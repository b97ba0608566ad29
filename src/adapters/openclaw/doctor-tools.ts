/** What a doctor says of the tool policy: whether models are offered what starts a subagent. */

import { PLUGIN_ID } from "../../config/schema.ts";
import type { HostConfig } from "./api.ts";
import type { Finding } from "./doctor.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import type { Takeover } from "./takeover.ts";
import { toolOffers, type Keeper, type ToolOffer } from "./tool-offer.ts";

export function toolFindings(config: HostConfig, openclaw: OpenClawPackage, takeover: Takeover): Finding[] {
  const offers = toolOffers(config, openclaw);
  const spawn = groups(offers, "spawn").map(({ keeper, whom }): Finding => {
    const text = `sessions_spawn isn't offered to ${whom}: ${keeper.setting}`;
    return { level: "note", about: "tools", text };
  });
  return takeover.tools ? [...spawn, ...ownFindings(offers, takeover), ...guidance(config, openclaw)] : spawn;
}

function ownFindings(offers: ToolOffer[], { spawns }: Takeover): Finding[] {
  const kept = groups(offers, "own").map(({ keeper, whom, agents }): Finding => {
    const spared = spawns === "always" && agents.every(({ spawn }) => spawn === undefined);
    const why = `${OWN} are kept from ${whom}: ${keeper.setting}`;
    const text = spared ? `${why}; calls of sessions_spawn don't need them` : why;
    // Where they are the way in, it is worth a look.
    const level = spared ? "ok" : "note";
    if (keeper.remedy === undefined) return { level, about: "tools", text };
    const { path, value } = keeper.remedy;
    // A shell would take the brackets of a list for a pattern.
    const at = path.includes("[") ? `'${path}'` : path;
    const fix = [`openclaw config set ${at} '${JSON.stringify(value)}'`];
    return { level, about: "tools", text: `${text}. To offer them too:`, fix };
  });
  return kept.length > 0 ? kept : [{ level: "ok", about: "tools", text: `${OWN} are offered` }];
}

type Group = { keeper: Keeper; whom: string; agents: ToolOffer[] };

/** Agents for which the same setting keeps a tool back. */
function groups(offers: ToolOffer[], tool: "spawn" | "own"): Group[] {
  const bySetting = new Map<string, Group>();
  for (const offer of offers) {
    const keeper = offer[tool];
    if (keeper === undefined) continue;
    const group = bySetting.get(keeper.setting) ?? { keeper, whom: "", agents: [] };
    group.agents.push(offer);
    bySetting.set(keeper.setting, group);
  }
  return [...bySetting.values()].map((group) => {
    const names = group.agents.map(({ agentId }) => `"${agentId}"`).join(", ");
    const whom = group.agents.length === offers.length ? "models" : `models of agent ${names}`;
    return { ...group, whom };
  });
}

function guidance(config: HostConfig, { sessionsInFiles }: OpenClawPackage): Finding[] {
  type Entry = { hooks?: { allowConversationAccess?: boolean } };
  const plugins = config["plugins"] as { entries?: Record<string, Entry | undefined> } | undefined;
  const allowed = plugins?.entries?.[PLUGIN_ID]?.hooks?.allowConversationAccess === true;
  if (sessionsInFiles || allowed) return [];
  const text = "the system prompt can't be told of these tools; to allow it:";
  const fix = [`openclaw config set plugins.entries.${PLUGIN_ID}.hooks.allowConversationAccess true`];
  return [{ level: "note", about: "tools", text, fix }];
}

const OWN = "the plugin's own tools (sessions_spawn_inprocess, …)";
