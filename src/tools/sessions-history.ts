/** The tool `sessions_history`: what a subagent has said and done so far. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

export function sessionsHistoryTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "sessions_history",
    label: "Session history",
    description:
      "Read the newest messages of a subagent's session: one you started, or one below it. Long texts are cut and keys taken out. `nextOffset` in the answer, given as `offset`, reaches older messages.",
    schema: historySchema,
    async call({ sessionKey, limit, offset, includeTools }) {
      return runtime.history(sessionKey, requester, {
        includeTools,
        ...(limit === undefined ? {} : { limit }),
        ...(offset === undefined ? {} : { offset }),
      });
    },
  });
}

const historySchema = z.object({
  sessionKey: z.string().trim().min(1).describe("A subagent's session key, or its run id."),
  limit: z.int().min(1).max(1000).optional().describe("How many messages, the newest ones; 100 when left out."),
  offset: z.int().min(0).optional().describe("Pass over so many of the newest."),
  includeTools: z.boolean().default(false).describe("Also tool calls and what they returned."),
});
