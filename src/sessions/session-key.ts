/** Session keys, as OpenClaw writes them: `agent:<agentId>:main`, `agent:<agentId>:subagent:<uuid>`. */

import { randomUUID } from "node:crypto";

export function childSessionKey(agentId: string): string {
  return `agent:${agentId}:subagent:${randomUUID()}`;
}

export function mainSessionKey(agentId: string): string {
  return `agent:${agentId}:main`;
}
