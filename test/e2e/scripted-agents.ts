/** A scripted model server that tells the main agent from its children, whatever the API. */

import type { ModelApi, RecordedRequest, Reply, ScriptedToolCall } from "../helpers/model-server.ts";
import { startModelServer, type ModelServer } from "../helpers/model-server.ts";

export type Agents = {
  /** @param turn 0 for the task, 1 for the first message after it, and so on · `afterTools`: its tools have answered */
  main: (turn: number, afterTools: boolean, request: RecordedRequest) => Reply | Promise<Reply>;
  /** @param task without what a subagent is told first · `results`: what its tools have answered so far */
  child: (task: string, results: string[], request: RecordedRequest) => Reply | Promise<Reply>;
};

export type AgentServer = ModelServer & {
  mainRequests(): RecordedRequest[];
  childRequests(task: string): RecordedRequest[];
};

/** The caller closes it. */
export async function startAgents(api: ModelApi, agents: Agents): Promise<AgentServer> {
  const script = (request: RecordedRequest): Reply | Promise<Reply> => {
    const task = taskOf(request);
    if (task !== undefined) return agents.child(task, toolResults(request), request);
    return agents.main(userTexts(request).length - 1, request.afterToolResult, request);
  };
  const server = await startModelServer({ api, script });
  return {
    ...server,
    mainRequests: () => server.requests.filter((request) => taskOf(request) === undefined),
    childRequests: (task) => server.requests.filter((request) => taskOf(request) === task),
  };
}

export function spawns(...children: Record<string, unknown>[]): Reply {
  return { toolCalls: children.map((args): ScriptedToolCall => ({ name: "sessions_spawn", args })) };
}

/** Texts of the messages with the role `user`, in which neither API's tool results count. */
export function userTexts(request: RecordedRequest): string[] {
  return request.messages
    .filter((message) => message.role === "user")
    .map(textIn)
    .filter((text) => text !== "");
}

/** What the tools answered, oldest first. */
export function toolResults(request: RecordedRequest): string[] {
  return request.messages.flatMap((message) => {
    if (message.role === "tool") return [textIn(message)];
    return blocksIn(message)
      .filter((block) => block.type === "tool_result")
      .map(textIn);
  });
}

function taskOf(request: RecordedRequest): string | undefined {
  return userTexts(request)[0]?.split("[Subagent Task]\n")[1];
}

type Part = Record<string, unknown>;

function textIn(part: Part): string {
  if (typeof part.content === "string") return part.content;
  return blocksIn(part)
    .filter((block) => block.type === "text")
    .map((block) => String(block.text))
    .join("\n");
}

function blocksIn(part: Part): Part[] {
  return Array.isArray(part.content) ? (part.content as Part[]) : [];
}
