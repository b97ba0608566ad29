/**
 * This plugin inside a thread that runs OpenClaw's own runner for a child: nothing is started there. The core's session
 * tools are answered by the gateway's main thread, over the run's channel.
 */

import { messageOf } from "../../errors.ts";
import { workerBridge } from "../../sessions/openclaw-context.ts";
import { AFTER_ALL_OTHERS } from "./core-calls.ts";
import { refusedCollect } from "./core-spawns.ts";
import type { PluginApi, ToolCallContext, ToolCallDecision, ToolCallEvent } from "./api.ts";
import { blockReason } from "./tool-answer.ts";

export function registerInWorker(api: PluginApi): void {
  api.on("before_tool_call", answerOnHost, { priority: AFTER_ALL_OTHERS });
}

async function answerOnHost(event: ToolCallEvent, context: ToolCallContext): Promise<ToolCallDecision | undefined> {
  const bridge = workerBridge();
  const { sessionKey } = context;
  if (bridge === undefined || sessionKey === undefined) return undefined;
  if (!bridge.tools(sessionKey).includes(event.toolName)) return undefined;
  // The runner that can be had in a thread is one whose sessions are offered nothing to fetch a result with.
  if (event.toolName === "sessions_spawn" && event.params["collect"] === true) {
    return { block: true, blockReason: blockReason(event.toolName, refusedCollect()) };
  }
  try {
    const output = await bridge.call(sessionKey, event.toolName, event.toolCallId ?? "", event.params);
    return output && { block: true, blockReason: blockReason(event.toolName, output) };
  } catch (error) {
    return { block: true, blockReason: `${event.toolName} failed: ${messageOf(error)}` };
  }
}
