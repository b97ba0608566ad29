/** The tool `sessions_send`: a message to a subagent at work, or to another session of the gateway. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester, SendParams } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

export function sessionsSendTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "sessions_send",
    label: "Send to session",
    description:
      "Send a message to another session, by its key or label. A subagent of yours reads it at its next step, or goes on with it when it is one that stays, and answers with its result; another session of the gateway answers here, if it does so in time. Its answer then goes on as an exchange of at most five turns, which either of you ends with only REPLY_SKIP.",
    schema: sendSchema,
    async call({ sessionKey, label, agentId, message, timeoutSeconds }, _toolCallId, signal) {
      const params: SendParams = {
        message,
        timeoutSeconds,
        ...(sessionKey === undefined ? {} : { sessionKey }),
        ...(label === undefined ? {} : { label }),
        ...(agentId === undefined ? {} : { agentId }),
      };
      return runtime.send(params, requester, { signal });
    },
  });
}

const sendSchema = z.object({
  sessionKey: z.string().optional().describe("Either this or label."),
  label: z.string().optional(),
  agentId: z.string().optional().describe("With a label: whose session it is."),
  message: z.string().trim().min(1),
  timeoutSeconds: z.number().min(0).max(3600).default(30).describe("How long to wait for an answer; 0 = not at all."),
});
