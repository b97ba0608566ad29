/** Which tools a session's own thread offers it: pure decisions; host tools are the host's to choose. */

import type { Config } from "../config.ts";

export type ToolQuestion = {
  agentId: string;
  /** What the requester has; a child never gets more. Undefined = not known, no limit from there. */
  requesterTools?: string[];
  allow?: string[];
  deny?: string[];
  /** `main` sessions aren't under `tools.subagents.tools`. */
  kind: "main" | "child";
};

/** Names of worker tools, in a fixed order. `exec` only where the config opens it. */
export function workerTools(config: Config, question: ToolQuestion): string[] {
  const agent = config.agents.list[question.agentId]?.tools;
  const forChildren = question.kind === "child" ? config.tools.subagents : {};
  const lists: { allow?: string[]; deny?: string[] }[] = [
    agent ?? {},
    {
      ...(forChildren.allow === undefined ? {} : { allow: [...forChildren.allow, ...(forChildren.alsoAllow ?? [])] }),
      ...(forChildren.deny === undefined ? {} : { deny: forChildren.deny }),
    },
    {
      ...(question.allow === undefined ? {} : { allow: question.allow }),
      ...(question.deny === undefined ? {} : { deny: question.deny }),
    },
    question.requesterTools === undefined ? {} : { allow: question.requesterTools },
  ];
  return ALL_WORKER_TOOLS.filter((name) => name !== "exec" || config.tools.execAllowed).filter((name) =>
    lists.every(({ allow, deny }) => permits(name, allow, deny)),
  );
}

/** Whether a child may have a host tool of this name, by the same lists. */
export function permits(name: string, allow: string[] | undefined, deny: string[] | undefined): boolean {
  if (deny?.some((entry) => entry === "*" || entry === name)) return false;
  return allow === undefined || allow.some((entry) => entry === "*" || entry === name);
}

const ALL_WORKER_TOOLS = ["read", "write", "edit", "list", "find", "search", "exec"];
