/** Which tools a session may have: pure decisions over the config's lists, the spawn's own, and what its requester has. */

import type { Config } from "../config.ts";
import { expandGroups, expandLists, narrowed } from "../config/tool-lists.ts";
import { anyOf } from "../glob.ts";

export type ToolQuestion = {
  agentId: string;
  /** `main` sessions aren't under `tools.subagents.tools`. */
  kind: "main" | "child";
  /** The spawn's own lists. */
  allow?: string[];
  deny?: string[];
  /** Every tool that the requester has; a child never gets another. Undefined = not known, no limit from there. */
  within?: string[] | undefined;
  /** What the requester's agent is held to, where that is another than `agentId`. */
  above?: Lists | undefined;
};

/** Whether a tool of this name may be offered, in the thread or on the host: allowed by every list, denied by none. */
export function toolFilter(config: Config, question: ToolQuestion): (name: string) => boolean {
  const { allow, alsoAllow, deny } = question.kind === "child" ? config.tools.subagents : {};
  const lists = [
    config.agents.list[question.agentId]?.tools ?? {},
    { allow: allow && [...allow, ...(alsoAllow ?? [])], deny },
    expandLists({ ...(question.allow && { allow: question.allow }), ...(question.deny && { deny: question.deny }) }),
    { allow: question.within?.map(normal) },
    question.above ?? {},
  ].map(permits);
  return (name) => lists.every((permitted) => permitted(normal(name)));
}

/** Names of the tools that work in the session's thread. `exec` only where the config opens it. */
export function workerTools(config: Config, question: ToolQuestion): string[] {
  const permitted = toolFilter(config, question);
  return ALL_WORKER_TOOLS.filter((name) => permitted(name) && (name !== "exec" || config.tools.execAllowed));
}

/**
 * A spawn's own lists within those its requester is held to, for an engine that has tools of its own. Names, patterns
 * and groups as they were written, as far as they can stay so.
 */
export function listsWithin(above: Lists, own: Lists): { allow?: string[]; deny?: string[] } {
  const deny = [...new Set([...(above.deny ?? []), ...(own.deny ?? [])])];
  const allow =
    above.allow === undefined || own.allow === undefined
      ? (own.allow ?? above.allow)
      : narrowed(expandGroups(above.allow), expandGroups(own.allow));
  return { ...(allow && { allow }), ...(deny.length > 0 && { deny }) };
}

/**
 * Whether a tool of the host is kept from every child, or from every child that may have none of its own: no list gives
 * it back. This package's own tools of those names are offered by their own rules.
 */
export function isKeptBack(config: Pick<Config, "rules">, role: "orchestrator" | "leaf"): (name: string) => boolean {
  const kept = anyOf([
    ...NEVER,
    ...(config.rules === "2026.4.1" ? [] : NEVER_FROM_9),
    ...(role === "leaf" ? NOT_FOR_LEAVES : []),
  ]);
  return (name) => kept(normal(name));
}

type Lists = { allow?: string[] | undefined; deny?: string[] | undefined };

/** `*` stands for any characters, as in OpenClaw's tool lists. */
function permits({ allow, deny }: Lists): (name: string) => boolean {
  const denied = anyOf(deny ?? []);
  const allowed = allow && anyOf(allow);
  return (name) => !denied(name) && (allowed === undefined || allowed(name));
}

function normal(name: string): string {
  return name.trim().toLowerCase();
}

const ALL_WORKER_TOOLS = ["read", "write", "edit", "list", "find", "search", "exec"];

/** What OpenClaw gives no subagent, and what it gives none from 2026.9.x on. */
const NEVER = ["gateway", "agents_list", "whatsapp_login", "session_status", "cron", "sessions_send"];
const NEVER_FROM_9 = ["message", "progress_card", "conversations_*"];
/** What is for working with one's own subagents. */
const NOT_FOR_LEAVES = ["subagents", "sessions_list", "sessions_history", "sessions_spawn"];
