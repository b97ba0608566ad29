/** Which tools a session may have: pure decisions over the config's lists, the spawn's own, and what its requester has. */

import type { Config } from "../config.ts";

export type ToolQuestion = {
  agentId: string;
  /** `main` sessions aren't under `tools.subagents.tools`. */
  kind: "main" | "child";
  /** The spawn's own lists. */
  allow?: string[];
  deny?: string[];
  /** Every tool that the requester has; a child never gets another. Undefined = not known, no limit from there. */
  within?: string[] | undefined;
};

/** Whether a tool of this name may be offered, in the thread or on the host: allowed by every list, denied by none. */
export function toolFilter(config: Config, question: ToolQuestion): (name: string) => boolean {
  const { allow, alsoAllow, deny } = question.kind === "child" ? config.tools.subagents : {};
  const lists: Lists[] = [
    config.agents.list[question.agentId]?.tools ?? {},
    { allow: allow && [...allow, ...(alsoAllow ?? [])], deny },
    { allow: question.allow, deny: question.deny },
    { allow: question.within },
  ];
  return (name) => lists.every((list) => permits(name, list));
}

/** Names of the tools that work in the session's thread. `exec` only where the config opens it. */
export function workerTools(config: Config, question: ToolQuestion): string[] {
  const permitted = toolFilter(config, question);
  return ALL_WORKER_TOOLS.filter((name) => permitted(name) && (name !== "exec" || config.tools.execAllowed));
}

type Lists = { allow?: string[] | undefined; deny?: string[] | undefined };

function permits(name: string, { allow, deny }: Lists): boolean {
  if (deny?.some((entry) => matches(entry, name))) return false;
  return allow === undefined || allow.some((entry) => matches(entry, name));
}

/** `*` stands for any characters, as in OpenClaw's tool lists. */
function matches(entry: string, name: string): boolean {
  if (!entry.includes("*")) return entry === name;
  const parts = entry.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}

const ALL_WORKER_TOOLS = ["read", "write", "edit", "list", "find", "search", "exec"];
