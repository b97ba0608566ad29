/** The user's own policy: `before_tool_call` hooks of other plugins, asked before every call of a child. */

import { messageOf } from "../../errors.ts";
import type { Host, ToolVerdict } from "../../host.ts";
import type { Sdk } from "./openclaw-package.ts";

/** A hook that fails lets nothing through. */
export function askPolicyHooks(sdk: Sdk): NonNullable<Host["beforeToolCall"]> {
  return async ({ child, toolCallId, tool, args }): Promise<ToolVerdict> => {
    const runner = sdk.hooks();
    if (runner === null || !runner.hasHooks("before_tool_call")) return { allow: true };
    const { agentId, sessionKey, sessionId, runId } = child;
    try {
      const decision = await runner.runBeforeToolCall(
        { toolName: tool, params: args as Record<string, unknown>, runId, toolCallId },
        { agentId, sessionKey, sessionId, runId, toolName: tool, toolCallId },
      );
      if (decision?.block)
        return { allow: false, reason: decision.blockReason ?? `The policy of this gateway refuses ${tool}.` };
      if (decision?.requireApproval !== undefined) {
        return {
          allow: false,
          reason: `${tool} needs a person's approval, which a subagent of the engine "pi" can't ask for.`,
        };
      }
      return decision?.params === undefined ? { allow: true } : { allow: true, args: decision.params };
    } catch (error) {
      return {
        allow: false,
        reason: `The policy of this gateway could not be asked about ${tool}: ${messageOf(error)}`,
      };
    }
  };
}
