/** The config one run is given: the gateway's, narrowed by what its spawn, and those above it, say of its tools. */

import type { EngineTask } from "../../../channel/protocol.ts";
import { anyOf, singleStars } from "../../../glob.ts";

type Section = Record<string, unknown>;

/**
 * The runner applies the gateway's own tool policy by itself: what a subagent of that role never gets, what
 * `tools.subagents.tools` says. A spawn's lists, with those it inherits, are put beside it. Without any, the very same object is returned:
 * under another config the runner makes its list of models anew, for a second or so.
 */
export function childConfig(config: Section, task: Pick<EngineTask, "toolsAllow" | "toolsDeny" | "role">): Section {
  if (task.toolsAllow === undefined && task.toolsDeny === undefined) return config;
  const tools = section(config.tools);
  const subagents = section(tools.subagents);
  return {
    ...config,
    tools: { ...tools, subagents: { ...subagents, tools: childTools(section(subagents.tools), task) } },
  };
}

/**
 * OpenClaw takes a tool it never gives a subagent for one the user wants, when an allow list names it. A spawn's own
 * list may only narrow, so what the user's lists don't name is denied in so many words.
 */
function childTools(
  configured: Section,
  { toolsAllow, toolsDeny, role }: Pick<EngineTask, "toolsAllow" | "toolsDeny" | "role">,
): Section {
  const [allow, alsoAllow, deny] = [names(configured.allow), names(configured.alsoAllow), names(configured.deny)];
  const denied = [...(deny ?? []), ...(toolsDeny ?? []).map(singleStars)];
  if (toolsAllow === undefined) return { ...configured, deny: denied };
  const wanted = new Set([...(allow ?? []), ...(alsoAllow ?? [])].map(normal));
  const never = role.kind === "orchestrator" ? NEVER : [...NEVER, ...NOT_FOR_LEAVES];
  const { alsoAllow: _within, ...rest } = configured;
  const ours = toolsAllow.map(singleStars);
  const theirs = allow === undefined ? undefined : [...allow, ...(alsoAllow ?? [])];
  return {
    ...rest,
    deny: [...denied, ...never.filter((name) => !wanted.has(name))],
    allow: theirs === undefined ? named(ours) : named(both(ours, theirs)),
  };
}

/** What two allow lists agree on. */
function both(ours: string[], theirs: string[]): string[] {
  return [...ours.filter(coveredBy(theirs)), ...theirs.filter(coveredBy(ours))];
}

/** An empty list would mean no limit to OpenClaw, so one that lets nothing through names no tool. */
function named(list: string[]): string[] {
  return list.length === 0 ? [NO_TOOL] : [...new Set(list)];
}

/** Whether a name is one of the entries, fits one that is a pattern, or is of one that is a group. */
function coveredBy(entries: readonly string[]): (name: string) => boolean {
  const plain = entries.map(normal);
  const covered = anyOf([...plain, ...plain.flatMap((name) => (Object.hasOwn(GROUPS, name) ? GROUPS[name]! : []))]);
  return (name) => covered(normal(name));
}

function section(value: unknown): Section {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Section) : {};
}

function names(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : undefined;
}

function normal(name: string): string {
  return name.trim().toLowerCase();
}

/** What OpenClaw 2026.4.x never gives a subagent, and what it keeps from one that may have no children. */
const NEVER = ["gateway", "agents_list", "whatsapp_login", "session_status", "cron", "sessions_send"];
const NOT_FOR_LEAVES = ["subagents", "sessions_list", "sessions_history", "sessions_spawn"];
const NO_TOOL = "openclaw-inprocess:none";
/** The short names of OpenClaw's lists that a narrower list is likely to meet. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  "group:fs": ["read", "write", "edit", "apply_patch"],
  "group:runtime": ["exec", "bash", "process", "code_execution"],
  "group:web": ["web_search", "web_fetch", "x_search"],
  "group:memory": ["memory_search", "memory_get"],
  "group:sessions": [
    "sessions_list",
    "sessions_history",
    "sessions_send",
    "sessions_spawn",
    "sessions_yield",
    "subagents",
  ],
};
