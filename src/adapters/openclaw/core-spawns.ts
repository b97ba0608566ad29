/**
 * Which calls of the core's `sessions_spawn` are the core's own to make: those that ask for what only the gateway has.
 * A call that is taken would otherwise be refused for a parameter that its model found in the core's own tool.
 */

import type { ToolOutput } from "../../host.ts";
import { SPAWN_PARAMS } from "../../policy/spawn-params.ts";
import type { HostConfig } from "./api.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import { isSandboxed } from "./sandbox.ts";
import { toolOffers } from "./tool-offer.ts";

type Params = Record<string, unknown>;
type Host = Pick<OpenClawPackage, "sessionsInFiles">;

/** Other agent runtimes, sessions bound to a channel's thread, sandboxes; and what only a newer core's tool knows. */
export function isCoresOwn(params: Params, host: Host): boolean {
  const { runtime, thread, mode, sandbox, collect, context } = params;
  if (runtime === "acp" || thread === true || mode === "session" || sandbox === "require") return true;
  // An older core knows no more than we do: it can't do better with a name that nobody knows.
  if (host.sessionsInFiles) return false;
  // Its scripts (`agents.run`) wait inside the core for what they collect, and its transcripts are no files to copy.
  if (collect === true || context === "fork") return true;
  return Object.entries(params).some(([name, value]) => !isTaken(name) && asksForSomething(name, value));
}

/** Attachments are written into the child's workspace, and a sandbox may show its child another folder. */
export function bringsIntoSandbox(params: Params, config: HostConfig, agentId: string): boolean {
  const { attachments } = params;
  const brings = Array.isArray(attachments) && attachments.length > 0;
  // Never a main session's key: a child is none.
  return brings && isSandboxed(config, { agentId, sessionKey: `agent:${agentId}:subagent:` });
}

/** The call without those of the core's parameters that ask for nothing: models fill in what they are shown. */
export function ownParams(params: Params): Params {
  return Object.fromEntries(
    Object.entries(params).filter(
      ([name, value]) => isTaken(name) || (!ACP_ONLY.has(name) && asksForSomething(name, value)),
    ),
  );
}

/**
 * The answer to a spawn whose result its session could never fetch; undefined when it can. A core that has no
 * `agents_wait` offers ours under its own name, if the tool policy lets a plugin's tools through.
 */
export function uncollectable(params: Params, config: HostConfig, agentId: string, host: Host): ToolOutput | undefined {
  if (params["collect"] !== true) return undefined;
  const offers = toolOffers(config, host);
  const offer = offers.find((one) => one.agentId === agentId) ?? offers[0];
  return offer?.own === undefined ? undefined : refusedCollect();
}

export function refusedCollect(): ToolOutput {
  const error =
    "The result of a collected subagent is fetched with agents_wait, which this session doesn't have: leave out collect, outputSchema and groupId, and the result comes as a message.";
  const details = { status: "error", code: "capability_missing", error };
  return { content: [{ type: "text", text: JSON.stringify(details) }], details };
}

/** For the doctor, in words. */
export function leftToCore({ sessionsInFiles }: Host): string {
  const always = [
    "ACP runtimes",
    "sessions bound to a channel's thread",
    'sandbox "require"',
    "attachments for a sandboxed agent",
  ];
  const newer = [
    "forks",
    "collected subagents (sessions_spawn_inprocess and agents_wait_inprocess have their own)",
    "visible sessions with their projects, groups and worktrees",
    "placement on other machines",
    "fast mode",
  ];
  return (sessionsInFiles ? always : [...always, ...newer]).join(", ");
}

function isTaken(name: string): boolean {
  return SPAWN_PARAMS.has(name) || name === "runtime" || name === "timeoutSeconds";
}

function asksForSomething(name: string, value: unknown): boolean {
  if (ACP_ONLY.has(name)) return false;
  if (value === undefined || value === null || value === false) return false;
  if (typeof value === "string") return value.trim() !== "";
  if (typeof value !== "object") return true;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined && field !== null && field !== "");
  const isHere = name === "placement" && fields.every(([field, at]) => field === "kind" && at === "local");
  return fields.length > 0 && !isHere;
}

/** What the core itself passes over in a subagent of its own kind. */
const ACP_ONLY = new Set(["resumeSessionId", "streamTo"]);
