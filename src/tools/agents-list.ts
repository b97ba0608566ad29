/** The tool `agents_list`: the agents this session may name in a spawn. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

export function agentsListTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "agents_list",
    label: "Agents",
    description: "List the agents you may name as `agentId` when you start a subagent with `sessions_spawn`.",
    schema: noArguments,
    call: async () => runtime.agents(requester),
  });
}

const noArguments = z.object({});
