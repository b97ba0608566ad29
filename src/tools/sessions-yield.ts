/** The tool `sessions_yield`: ends the turn; the results of subagents begin another. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester } from "../types.ts";
import { jsonTool } from "./json-tool.ts";
import { isActive, willTell } from "./run-row.ts";

export function sessionsYieldTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "sessions_yield",
    label: "Wait for subagents",
    description:
      "End your turn now and go on when the subagents you started have results. Call it alone, as the last thing in your turn.",
    schema: yieldSchema,
    async call({ message }) {
      const runs = await runtime.list(requester);
      // A turn that ended with nothing to come would never be followed by another.
      if (!runs.some(willTell)) {
        const error = runs.some(isActive)
          ? "The results of your subagents at work don't come by themselves, so nothing would: fetch them with agents_wait."
          : "No subagent of yours is at work, so nothing would come: go on.";
        return { status: "error", code: "not_found", error };
      }
      return { status: "yielded", ...(message === undefined ? {} : { message }), text: YIELDED };
    },
    endsTurn: ({ status }) => status === "yielded",
  });
}

const yieldSchema = z.object({
  message: z.string().max(4000).optional().describe("A note to yourself: what you are waiting for."),
});

const YIELDED =
  "Your turn ends here. Say nothing more and call nothing more: results come as a message and begin your next turn.";
