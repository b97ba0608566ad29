/** Small readings of pi's messages. */

import type { AssistantMessage, Usage as PiUsage } from "@earendil-works/pi-ai";
import type { Usage } from "../../types.ts";
import { told } from "../../usage.ts";

/** The visible text of an answer, its blocks joined. */
export function textOf(message: AssistantMessage): string {
  return message.content
    .filter((block) => block.type === "text")
    .map((block) => block.text)
    .join("\n")
    .trim();
}

/** Adds one model call's usage to a run's. A server that tells nonsense counts as one that tells nothing. */
export function addCall(sum: Usage, call: PiUsage): void {
  sum.input += told(call.input);
  sum.output += told(call.output);
  sum.cacheRead += told(call.cacheRead);
  sum.cacheWrite += told(call.cacheWrite);
  sum.totalTokens += told(call.totalTokens);
  sum.costUsd += told(call.cost.total);
  sum.turns += 1;
}
