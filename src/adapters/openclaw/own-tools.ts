/** Our tools under names of our own, for sessions whose tool policy lets a plugin's tools through. */

import type { ToolOutput } from "../../host.ts";
import { createSessionTools } from "../../tools/session-tools.ts";
import type { PluginTool, ToolContext } from "./api.ts";
import { instance } from "./instance.ts";
import { agentOf } from "./agents.ts";
import { seesOnlyItself } from "./session-visibility.ts";

/** A plugin's tool may not have the name of one of the core's. */
const SUFFIX = "_inprocess";
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
].map((name) => `${name}${SUFFIX}`);

/** Where a sentence names one; `subagents` is a word besides, and is named in quotes or before a colon. */
const TOOL_NAMES =
  /\b(?:sessions_(?:spawn|history|send|list)|agents_(?:list|wait))\b|(?<=`)subagents(?=`)|^subagents(?=:)/g;

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
  const hidden = seesOnlyItself(here.config(), sessionKey) ? SESSION_TOOLS : [];
  return createSessionTools(here.runtime, requester)
    .filter(({ name }) => !hidden.includes(name))
    .map((tool) => ({
      name: `${tool.name}${SUFFIX}`,
      label: tool.label,
      description: renamed(
        tool.name === "sessions_spawn" ? `${tool.description} ${childHas(here.engine)}` : tool.description,
      ),
      parameters: tool.parameters,
      execute: async (toolCallId: string, args: unknown, signal?: AbortSignal) => {
        // Nobody tells a tool in which turn it is called.
        const turnId = here.busy.turnOf(sessionKey);
        const depth = await here.depthOf(sessionKey);
        const asked = createSessionTools(here.runtime, {
          ...requester,
          depth,
          ...(turnId === undefined ? {} : { turnId }),
        });
        const called = asked.find(({ name }) => name === tool.name) ?? tool;
        return renamedRefusal(await called.execute(toolCallId, args, signal ?? new AbortController().signal));
      },
    }))
    .filter(({ name }) => OWN_TOOLS.includes(name));
}

/** With the names that our tools have here: by the others the model would reach the core's. */
function renamed(text: string): string {
  return text.replace(TOOL_NAMES, `$&${SUFFIX}`);
}

/** Only what refuses: a result's words may be a subagent's. */
function renamedRefusal(output: ToolOutput): ToolOutput {
  const { details } = output;
  if (typeof details !== "object" || details === null) return output;
  const { error, text } = details as { error?: unknown; text?: unknown };
  if (typeof error !== "string") return output;
  const result = { ...details, error: renamed(error), ...(typeof text === "string" ? { text: renamed(text) } : {}) };
  return { ...output, content: [{ type: "text", text: JSON.stringify(result) }], details: result };
}

function childHas(engine: string): string {
  return engine === "openclaw"
    ? "The subagent has this agent's own tools, skills and credentials."
    : "The subagent has these tools only: read, write, edit, list, find and search in the workspace, and exec where it is allowed; no web, no skills, no channels.";
}
