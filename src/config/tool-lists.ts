/** The tools an agent may have, out of profiles, groups and lists. Deny wins everywhere, so a list here only ever narrows. */

import { anyOf } from "../glob.ts";
import type { RawExecPolicy, RawToolPolicy } from "./schema.ts";

export type ToolLists = { allow?: string[]; alsoAllow?: string[]; deny?: string[] };

/** An agent's lists, with those that hold for every agent. */
export function toolLists(everyone: RawToolPolicy, own: RawToolPolicy): { allow?: string[]; deny?: string[] } {
  const extra = [...(everyone.alsoAllow ?? []), ...(own.alsoAllow ?? [])];
  const profile = PROFILES[own.profile ?? everyone.profile ?? "full"];
  const limits = [profile && [...profile, ...extra], everyone.allow, own.allow].filter((limit) => limit !== undefined);
  const allow = limits.map(expandGroups).reduce<string[] | undefined>(narrowed, undefined);
  const deny = expandGroups([...(everyone.deny ?? []), ...(own.deny ?? [])]);
  if (own.exec && !execAllowed({ ...everyone.exec, ...own.exec })) deny.push("exec");
  return { ...(allow && { allow }), ...(deny.length > 0 && { deny: [...new Set(deny)] }) };
}

export function expandLists(lists: ToolLists): ToolLists {
  return Object.fromEntries(
    Object.entries(lists)
      .filter((entry): entry is [string, string[]] => entry[1] !== undefined)
      .map(([key, names]) => [key, expandGroups(names)]),
  );
}

/** True only where commands run unasked: there is nobody here to answer, and no allowlist to check against. */
export function execAllowed({ security, ask, mode }: RawExecPolicy): boolean {
  if (mode !== undefined && mode !== "full") return false;
  return (security ?? (mode && "full")) === "full" && (ask ?? (mode && "off")) === "off";
}

/** Lower case, a group's members in the place of its name. */
export function expandGroups(names: readonly string[]): string[] {
  const plain = names.map((name) => name.trim().toLowerCase());
  return [...new Set(plain.flatMap((name) => (Object.hasOwn(GROUPS, name) ? GROUPS[name]! : [name])))];
}

/** What both lists let through; `*` stands for any characters in either. */
export function narrowed(before: string[] | undefined, next: string[]): string[] {
  if (before === undefined) return next;
  return [...new Set([...next.filter(anyOf(before)), ...before.filter(anyOf(next))])];
}

/** OpenClaw's groups, with this package's own tools beside those they resemble. */
const GROUPS: Record<string, string[]> = {
  bash: ["exec"],
  "group:runtime": ["exec", "process"],
  "group:fs": ["read", "write", "edit", "apply_patch", "list", "find", "search"],
  "group:sessions": [
    "sessions_list",
    "sessions_history",
    "sessions_send",
    "sessions_spawn",
    "sessions_yield",
    "subagents",
    "session_status",
  ],
  "group:memory": ["memory_search", "memory_get"],
  "group:web": ["web_search", "web_fetch"],
  "group:ui": ["browser", "canvas"],
  "group:automation": ["cron", "gateway"],
  "group:messaging": ["message"],
  "group:nodes": ["nodes"],
  "group:openclaw": ["*"],
};

/** Only those that narrow: `coding` and `full` hold every tool this package has. */
const PROFILES: Record<string, string[] | undefined> = {
  minimal: ["session_status"],
  messaging: ["group:messaging", "sessions_list", "sessions_history", "sessions_send", "session_status"],
};
