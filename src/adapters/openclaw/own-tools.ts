/** Our tools under names of our own, for sessions whose tool policy lets a plugin's tools through. */

import { createSessionTools } from "../../tools/session-tools.ts";
import type { PluginTool, ToolContext } from "./api.ts";
import { instance } from "./instance.ts";
import { agentOf } from "./agents.ts";
import { OWN_SUFFIX, renamed, renamedWords } from "./own-names.ts";
import { seesOnlyItself } from "./session-visibility.ts";
import { forSpawn } from "./spawn-requester.ts";

/** What looks into other sessions or speaks to them; `subagents` stays. */
const SESSION_TOOLS = ["sessions_history", "sessions_send", "sessions_list"];
/** What a manifest and a registration name. */
export const OWN_TOOLS = [
  "sessions_spawn",
  "subagents",
  "sessions_history",
  "sessions_send",
  "sessions_list",
  "agents_list",
  "agents_wait",
  "sessions_yield",
].map((name) => `${name}${OWN_SUFFIX}`);
/** An older core's own ends the turn, which no tool of a plugin can do there; it asks nothing about children. */
const OF_NEWER_HOSTS = ["sessions_yield"];

/** Null when there is nothing to offer in this session. */
export function ownTools(context: ToolContext): PluginTool[] | null {
  const here = instance();
  const { sessionKey } = context;
  if (here === undefined || !here.takeover.tools || sessionKey === undefined) return null;
  here.followChanges();
  const agentId = context.agentId ?? agentOf(sessionKey, here.config());
  const requester = {
    sessionKey,
    agentId,
    workspaceDir: context.workspaceDir ?? here.workspaceDir(agentId),
    ...(context.sandboxed === undefined ? {} : { sandboxed: context.sandboxed }),
  };
  // The core's own of these see no subagent either where a session is to see itself alone.
  const hidden = [
    ...(seesOnlyItself(here.config(), sessionKey) ? SESSION_TOOLS : []),
    ...(here.host.sessionsInFiles ? OF_NEWER_HOSTS : []),
  ];
  return createSessionTools(here.runtime, requester)
    .filter(({ name }) => !hidden.includes(name))
    .map((tool) => ({
      name: `${tool.name}${OWN_SUFFIX}`,
      label: tool.label,
      description: renamed(
        tool.name === "sessions_spawn" ? `${tool.description} ${childHas(here.engine)}` : tool.description,
      ),
      parameters: tool.parameters,
      execute: async (toolCallId: string, args: unknown, signal?: AbortSignal) => {
        // Nobody tells a tool in which turn it is called.
        const turnId = here.busy.turnOf(sessionKey);
        const depth = await here.depthOf(sessionKey);
        const caller = { ...requester, depth, ...(turnId === undefined ? {} : { turnId }) };
        const asking = tool.name === "sessions_spawn" ? await forSpawn(here, caller, fieldsOf(args)) : caller;
        const called = createSessionTools(here.runtime, asking).find(({ name }) => name === tool.name) ?? tool;
        const output = await called.execute(toolCallId, args, signal ?? new AbortController().signal);
        // The newer host's word for a tool that ends its turn.
        return { ...renamedWords(output), ...(output.endsTurn === true ? { terminate: true } : {}) };
      },
    }))
    .filter(({ name }) => OWN_TOOLS.includes(name));
}

function fieldsOf(args: unknown): Record<string, unknown> {
  return typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {};
}

function childHas(engine: string): string {
  return engine === "openclaw"
    ? "The subagent has this agent's own tools, skills and credentials."
    : "The subagent has these tools only: read, write, edit, list, find and search in the workspace, and exec where it is allowed; no web, no skills, no channels.";
}
