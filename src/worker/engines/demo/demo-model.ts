/**
 * The built-in offline model: a script that works with real tools.
 *
 * It stands where a provider's stream function stands and sees what a provider would see: the message list. It has no
 * files, no network and no memory of its own, so whatever it says of a workspace stood in a tool's result.
 */

import type { StreamFn } from "@earendil-works/pi-agent-core";

import { childReply } from "./child-agent.ts";
import { isSubagent, toolNames } from "./conversation.ts";
import { mainReply } from "./main-agent.ts";
import { streamReply } from "./stream-reply.ts";

/**
 * Used for models whose `api` is `demo`. A session whose first user message carries `[Subagent Task]`, or that can't
 * spawn, does a child's work; any other one is the main agent, who spawns three.
 */
export const streamDemo: StreamFn = (model, context, options) => {
  const decide = () => {
    const { messages } = context;
    const works = isSubagent(messages) || !toolNames(messages).includes("sessions_spawn");
    return works ? childReply(messages) : mainReply(messages);
  };
  return streamReply({ model, messages: context.messages, decide, signal: options?.signal });
};
