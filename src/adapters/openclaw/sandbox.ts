/**
 * Sandboxes, as OpenClaw's configuration sets them: no child may be outside of one that it, or who asks for it, is to
 * be inside of. The host's own runner puts a child into its agent's sandbox; no other engine knows any.
 */

import type { Requester } from "../../types.ts";
import { agentDefaults, agentEntries } from "./agents.ts";
import type { HostConfig } from "./api.ts";

/** @returns why the child may not be started in process, for the requester's model; undefined when it may */
export function sandboxRefusal(
  config: HostConfig,
  engine: string,
  requester: Pick<Requester, "sessionKey" | "agentId" | "sandboxed">,
  childAgentId: string,
): string | undefined {
  // A child is never its agent's main session: it is sandboxed in both of the modes there are beside `off`.
  const childIsMeantToBe = modeOf(config, childAgentId) !== "off";
  if (childIsMeantToBe && engine !== "openclaw") {
    return `Agent "${childAgentId}" works in a sandbox and a subagent here wouldn't, so it can't be started here; do the work yourself.`;
  }
  if (childIsMeantToBe || !(requester.sandboxed ?? isSandboxed(config, requester))) return undefined;
  return `This session is sandboxed and a subagent of agent "${childAgentId}" wouldn't be, so it can't be started from here; do the work here, or name an agent that is sandboxed.`;
}

export function isSandboxed(
  config: HostConfig,
  { agentId, sessionKey }: Pick<Requester, "sessionKey" | "agentId">,
): boolean {
  const mode = modeOf(config, agentId);
  return mode !== "off" && (mode !== "non-main" || !isMain(config, agentId, sessionKey));
}

/** An agent's own settings may be of another thing than the mode. */
function modeOf(config: HostConfig, agentId: string): string {
  const own = agentEntries(config).find(({ id }) => id === agentId.toLowerCase());
  return own?.sandbox?.mode ?? agentDefaults(config).sandbox?.mode ?? "off";
}

/** Whether the key is that of the agent's main session. */
export function isMain(config: HostConfig, agentId: string, sessionKey: string): boolean {
  const { mainKey, scope } = (config["session"] ?? {}) as { mainKey?: string; scope?: string };
  const names = ["main", mainKey?.trim().toLowerCase() ?? ""].filter((name) => name !== "");
  return (
    (scope === "global" && sessionKey === "global") || names.some((name) => sessionKey === `agent:${agentId}:${name}`)
  );
}
