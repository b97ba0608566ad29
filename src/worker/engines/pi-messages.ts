/** Small readings of pi's messages. */

import type { AssistantMessage, Usage as PiUsage } from "@earendil-works/pi-ai";
import type { Usage } from "../../types.ts";

/** The visible text of an answer, its blocks joined. */
export function textOf(message: AssistantMessage): string {
  return message.content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n")
    .trim();
}

export function noUsage(): Usage {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, costUsd: 0, turns: 0, toolCalls: 0 };
}

/** Adds one model call's usage to a run's. */
export function addUsage(sum: Usage, call: PiUsage): void {
  sum.input += call.input;
  sum.output += call.output;
  sum.cacheRead += call.cacheRead;
  sum.cacheWrite += call.cacheWrite;
  sum.totalTokens += call.totalTokens;
  sum.costUsd += call.cost.total;
  sum.turns += 1;
}
