/** Session keys, as OpenClaw writes them: `agent:<agentId>:main`, `agent:<agentId>:subagent:<uuid>`. */

import { randomUUID } from "node:crypto";

export function childSessionKey(agentId: string): string {
  return `agent:${agentId}:subagent:${randomUUID()}`;
}

export function mainSessionKey(agentId: string): string {
  return `agent:${agentId}:main`;
}

/** What OpenClaw sorts sessions by: `main`, `subagent`, or `other`. */
export function sessionKind(sessionKey: string): "main" | "subagent" | "other" {
  const [agent, , rest] = sessionKey.split(":");
  if (agent !== "agent") return sessionKey === "main" ? "main" : "other";
  return rest === "main" || rest === "subagent" ? rest : "other";
}
