/** The tools a session's model calls to work with subagents, for one requester. */

import type { HostTool } from "../host.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { sessionKind } from "../sessions/session-key.ts";
import type { Requester } from "../types.ts";
import { agentsListTool } from "./agents-list.ts";
import { agentsWaitTool } from "./agents-wait.ts";
import { sessionsHistoryTool } from "./sessions-history.ts";
import { sessionsListTool } from "./sessions-list.ts";
import { sessionsSendTool } from "./sessions-send.ts";
import { sessionsSpawnTool } from "./sessions-spawn.ts";
import { sessionsYieldTool } from "./sessions-yield.ts";
import { subagentsTool } from "./subagents.ts";

/** A tool in pi's shape: `{ name, label, description, parameters, execute }`. A failed call is an output with `isError`. */
export type AgentTool = HostTool & { label: string };

/**
 * `sessions_spawn`, `subagents`, `sessions_list`, `sessions_history`, `sessions_yield` and `agents_wait`; for a main
 * session also `sessions_send` and `agents_list`, which a child never has. A child that may not spawn is to be given
 * none of them.
 */
export function createSessionTools(runtime: SubagentRuntime, requester: Requester): AgentTool[] {
  const isChild = (requester.depth ?? 0) > 0 || sessionKind(requester.sessionKey) === "subagent";
  const makers = isChild ? FOR_ALL : { ...FOR_ALL, ...FOR_MAIN_SESSIONS };
  return inOrder(Object.values(makers).map((make) => make(runtime, requester)));
}

/** Calls of one answer may run side by side: a yield looks for children when the spawns before it have come to something. */
function inOrder(tools: AgentTool[]): AgentTool[] {
  const spawning = new Set<Promise<unknown>>();
  return tools.map((tool) => {
    switch (tool.name) {
      case "sessions_spawn":
        return {
          ...tool,
          async execute(...call) {
            const spawn = tool.execute(...call);
            spawning.add(spawn);
            try {
              return await spawn;
            } finally {
              spawning.delete(spawn);
            }
          },
        };
      case "sessions_yield":
        return {
          ...tool,
          async execute(...call) {
            await Promise.allSettled(spawning);
            return tool.execute(...call);
          },
        };
      default:
        return tool;
    }
  });
}

type Maker = (runtime: SubagentRuntime, requester: Requester) => AgentTool;

const FOR_ALL: Record<string, Maker> = {
  sessions_spawn: sessionsSpawnTool,
  subagents: subagentsTool,
  sessions_list: sessionsListTool,
  sessions_history: sessionsHistoryTool,
  sessions_yield: sessionsYieldTool,
  agents_wait: agentsWaitTool,
};
const FOR_MAIN_SESSIONS: Record<string, Maker> = { sessions_send: sessionsSendTool, agents_list: agentsListTool };

/** Names of all the tools a main session is given. */
export const MAIN_SESSION_TOOLS: readonly string[] = Object.keys({ ...FOR_ALL, ...FOR_MAIN_SESSIONS });
