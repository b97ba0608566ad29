/** The tools a session's model calls to work with subagents, for one requester. */

import type { HostTool } from "../host.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester } from "../types.ts";
import { sessionsSpawnTool } from "./sessions-spawn.ts";
import { subagentsTool } from "./subagents.ts";

/** A tool in pi's shape: `{ name, label, description, parameters, execute }`. A failed call is an output with `isError`. */
export type AgentTool = HostTool & { label: string };

export function createSessionTools(runtime: SubagentRuntime, requester: Requester): AgentTool[] {
  return [sessionsSpawnTool(runtime, requester), subagentsTool(runtime, requester)];
}
