/**
 * Calls of the core's own tools, before they are made: `sessions_spawn` and its siblings, where they concern children
 * that run in process. A handler that throws would make 2026.9.6 refuse the call, so none does.
 */

import { messageOf } from "../../errors.ts";
import type { ToolOutput } from "../../host.ts";
import { createSessionTools } from "../../tools/session-tools.ts";
import { willTell } from "../../tools/run-row.ts";
import type { Requester, RunView } from "../../types.ts";
import type { PluginLogger, ToolCallContext, ToolCallDecision, ToolCallEvent } from "./api.ts";
import { startedInstance, type Instance } from "./instance.ts";
import { agentOf } from "./agents.ts";
import { bringsIntoSandbox, isCoresOwn, ownParams, uncollectable } from "./core-spawns.ts";
import { leftToGoOn } from "./loop-turns.ts";
import { renamedWords } from "./own-names.ts";
import { sandboxRefusal } from "./sandbox.ts";
import { seesOnlyItself } from "./session-visibility.ts";
import { forSpawn } from "./spawn-requester.ts";
import { blockReason } from "./tool-answer.ts";

/** The core's tools that may be answered here. */
export const CORE_TOOLS = [
  "sessions_spawn",
  "subagents",
  "sessions_history",
  "sessions_send",
  "sessions_yield",
  "agents_wait",
];

/** The hook's place: what another plugin refuses or rewrites stays refused or rewritten. */
export const AFTER_ALL_OTHERS = -1000;

/** @returns undefined: the core's own tool does it */
export async function beforeCoreCall(
  event: ToolCallEvent,
  context: ToolCallContext,
  logger: PluginLogger,
): Promise<ToolCallDecision | undefined> {
  const { toolName } = event;
  if (!CORE_TOOLS.includes(toolName)) return undefined;
  const here = await startedInstance();
  const { sessionKey } = context;
  if (here === undefined || sessionKey === undefined) return undefined;
  try {
    here.followChanges();
    const requester = await requesterOf(here, sessionKey, event, context);
    const ours =
      toolName === "sessions_spawn"
        ? await takesSpawn(here, requester, event.params)
        : await concernsUs(here, requester, event);
    if (!ours) return undefined;
    const output = await answer(here, requester, event);
    // The child sets out first.
    if (toolName === "sessions_spawn") await leftToGoOn();
    return output && { block: true, blockReason: blockReason(toolName, output) };
  } catch (error) {
    // The core's own way is left to it: what it says is at least its own fault.
    logger.error(`openclaw-inprocess: ${toolName} could not be answered in process: ${messageOf(error)}`);
    return undefined;
  }
}

async function requesterOf(
  here: Instance,
  sessionKey: string,
  event: ToolCallEvent,
  context: ToolCallContext,
): Promise<Requester> {
  const agentId = context.agentId ?? agentOf(sessionKey, here.config());
  // A call without an id can't be told from another one.
  const turnId = event.toolCallId === undefined ? undefined : (event.runId ?? context.runId);
  return {
    sessionKey,
    agentId,
    workspaceDir: here.workspaceDir(agentId),
    // Our own children call over their channel: a child that calls here is the core's.
    depth: await here.depthOf(sessionKey),
    ...(turnId === undefined ? {} : { turnId }),
  };
}

async function takesSpawn(here: Instance, requester: Requester, params: Record<string, unknown>): Promise<boolean> {
  const { spawns } = here.takeover;
  if (spawns === "never" || isCoresOwn(params, here.host)) return false;
  const named = typeof params["agentId"] === "string" ? params["agentId"].trim().toLowerCase() : "";
  const childAgent = named === "" ? requester.agentId : named;
  if (sandboxRefusal(here.config(), here.engine, requester, childAgent) !== undefined) return false;
  if (bringsIntoSandbox(params, here.config(), childAgent)) return false;
  return spawns === "always" || here.coreIsBroken();
}

/** Whether a sibling's call is about one of our children; children that the core started are the core's to answer for. */
async function concernsUs(here: Instance, requester: Requester, { toolName, params }: ToolCallEvent): Promise<boolean> {
  // The core refuses what such a session may not see.
  if (toolName !== "subagents" && seesOnlyItself(here.config(), requester.sessionKey)) return false;
  if (toolName === "sessions_yield") return !here.host.sessionsInFiles && owesResults(here, requester, params);
  const recentMinutes = typeof params["recentMinutes"] === "number" ? params["recentMinutes"] : RECENT_MINUTES;
  if (toolName === "subagents" && params["target"] === undefined) {
    return (await here.runtime.list(requester, { recentMinutes })).length > 0;
  }
  const children = await here.runtime.list(requester, { recentMinutes: DAY_MINUTES });
  if (toolName === "agents_wait") return areAllOurs(children, params["ids"]);
  if (children.some((child) => isMeant(child, toolName, params))) return true;
  // Over a broken pairing the core's own can reach nobody; ours reaches whom the settings allow.
  return toolName === "sessions_send" && here.coreIsBroken();
}

/** An older core ends any turn that asks for it; a newer one only for children that it knows. */
async function owesResults({ runtime }: Instance, requester: Requester, { waitFor }: ToolCallEvent["params"]) {
  if (waitFor === "message") return false;
  const children = await runtime.list(requester);
  return children.some(willTell);
}

function areAllOurs(children: readonly RunView[], ids: unknown): boolean {
  return Array.isArray(ids) && ids.length > 0 && ids.every((id) => children.some(({ runId }) => runId === id));
}

/** By any of the ways in which this tool of ours takes a child's name: what it couldn't resolve it would only refuse. */
function isMeant(child: RunView, toolName: string, params: Record<string, unknown>): boolean {
  const [target, sessionKey, label] = ["target", "sessionKey", "label"].map((name) => namedIn(params, name));
  switch (toolName) {
    case "sessions_history":
      return sessionKey === child.childSessionKey || sessionKey === child.runId;
    case "sessions_send":
      return sessionKey === undefined ? hasName(child, label) : sessionKey === child.childSessionKey;
    default:
      return hasName(child, target) || (target !== undefined && POSITIONS.test(target));
  }
}

function namedIn(params: Record<string, unknown>, name: string): string | undefined {
  const value = params[name];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

function hasName({ runId, childSessionKey, taskName, label }: RunView, name: string | undefined): boolean {
  if (name === undefined) return false;
  return childSessionKey === name || [runId, taskName, label].some((one) => one?.startsWith(name));
}

async function answer(here: Instance, requester: Requester, event: ToolCallEvent): Promise<ToolOutput | undefined> {
  switch (event.toolName) {
    case "sessions_spawn": {
      const params = ownParams(event.params);
      const refused = uncollectable(params, here.config(), requester.agentId, here.host);
      if (refused !== undefined) return refused;
      // What is told of other tools has our names where the core has none of its own to collect with.
      const output = await call(here, await forSpawn(here, requester, params), { ...event, params });
      return output && params["collect"] === true ? renamedWords(output) : output;
    }
    case "agents_wait": {
      const most = Math.min(HOOK_SECONDS, here.runtime.waitSecondsMax(requester));
      return call(here, requester, { ...event, params: waitingAtMost(most, event.params) });
    }
    default:
      return call(here, requester, event);
  }
}

async function call(here: Instance, requester: Requester, event: ToolCallEvent): Promise<ToolOutput | undefined> {
  const tool = createSessionTools(here.runtime, requester).find(({ name }) => name === event.toolName);
  return tool?.execute(event.toolCallId ?? "", event.params, new AbortController().signal);
}

/** What is still pending then is waited for in the model's next call. */
function waitingAtMost(most: number, params: Record<string, unknown>): Record<string, unknown> {
  const { timeoutSeconds = most } = params;
  return {
    ...params,
    timeoutSeconds: typeof timeoutSeconds === "number" ? Math.min(timeoutSeconds, most) : timeoutSeconds,
  };
}

/** One of several by its place, or all of them. */
const POSITIONS = /^(last|all|\*|\d{1,3})$/;
/** As `subagents` lists them when nothing else is said. */
const RECENT_MINUTES = 30;
const DAY_MINUTES = 1440;
/** 2026.9.6 gives a hook 15. */
const HOOK_SECONDS = 10;
