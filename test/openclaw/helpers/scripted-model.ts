/** One model server for the main agent and its children alike, and words to write its script with. */

import { afterAll } from "vitest";

import { startModelServer, type ModelServer } from "../../helpers/model-server.ts";
import type { RecordedRequest, Reply, Script, StreamReply } from "../../helpers/model-replies.ts";
import { answersTool, isCompletion, turnText } from "./conversation.ts";

export * from "./conversation.ts";

/** The first rule that is true of a request gives its reply. */
export type Rule = [when: (request: RecordedRequest) => boolean, reply: Reply | Script];

/** Real HTTP, OpenAI chat completions with SSE; closed after the file's tests. A request no rule fits is answered "ok". */
export async function startScriptedModel(rules: Rule[]): Promise<ModelServer> {
  const script: Script = (request) => {
    const reply = rules.find(([when]) => when(request))?.[1] ?? "ok";
    return typeof reply === "function" ? reply(request) : reply;
  };
  const server = await startModelServer({ api: "openai-completions", script });
  servers.push(server);
  return server;
}

afterAll(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** True of requests that open a turn whose user message has `text` in it, and isn't a child's result. */
export function asked(text: string | RegExp): (request: RecordedRequest) => boolean {
  return (request) => !answersTool(request) && !isCompletion(request) && matches(turnText(request), text);
}

/** True of requests whose last message is a tool's result, in a turn that `asked(text)` opened. */
export function afterTool(text: string | RegExp): (request: RecordedRequest) => boolean {
  return (request) => answersTool(request) && !isCompletion(request) && matches(turnText(request), text);
}

/** True of requests in a turn that hands over a child's result, in OpenClaw's words or in ours, with `text` in it. */
export function toldResult(text: string | RegExp): (request: RecordedRequest) => boolean {
  return (request) => isCompletion(request) && matches(turnText(request), text);
}

export function callTool(name: string, args: Record<string, unknown>): StreamReply {
  return { toolCalls: [{ name, args }] };
}

/** `text` in chunks of `chunkChars` characters, `delayMs` milliseconds apart. */
export function streamed(text: string, chunkChars: number, delayMs: number): StreamReply {
  return { text, chunkChars, delayMs };
}

/** Answers nothing until `release` is called, then `reply`. `reached` resolves when the first request hangs. */
export function held(reply: Reply): { script: Script; reached: Promise<void>; release(): void } {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const script: Script = async () => {
    reached.resolve();
    await released.promise;
    return reply;
  };
  return { script, reached: reached.promise, release: released.resolve };
}

function matches(text: string, pattern: string | RegExp): boolean {
  return typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
}

const servers: ModelServer[] = [];
