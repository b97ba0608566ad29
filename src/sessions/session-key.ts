/** Session keys, as OpenClaw writes them: `agent:<agentId>:main`, `agent:<agentId>:subagent:<uuid>`. */

import { randomUUID } from "node:crypto";

export function childSessionKey(agentId: string): string {
  return `agent:${agentId}:subagent:${randomUUID()}`;
}

export function mainSessionKey(agentId: string): string {
  return `agent:${agentId}:main`;
}

/** `[a-z0-9][a-z0-9_-]{0,63}`, as OpenClaw's docs give it. */
export function isAgentId(value: string): boolean {
  return AGENT_ID.test(value);
}

const AGENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
