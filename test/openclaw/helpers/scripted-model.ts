/** One model server for the main agent and its children alike, and words to write its script with. */

import { afterAll } from "vitest";

import { startModelServer, type ModelServer } from "../../helpers/model-server.ts";
import type { RecordedRequest, Reply, Script, StreamReply } from "../../helpers/model-replies.ts";

export type ToolResult = {
  callId: string;
  /** The tool that was called, when the call is still in the conversation. */
  name: string | undefined;
  text: string;
};

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

/** Names of the tools that the model may call, in the request's order. */
export function offeredTools(request: RecordedRequest): string[] {
  const tools = Array.isArray(request.body.tools) ? (request.body.tools as { function?: { name?: string } }[]) : [];
  return tools.flatMap((tool) => tool.function?.name ?? []);
}

/** The system prompt, or "". */
export function systemPrompt(request: RecordedRequest): string {
  return request.messages
    .filter(({ role }) => role === "system" || role === "developer")
    .map(({ content }) => textOf(content))
    .join("\n");
}

/** Every tool result of the conversation, oldest first. */
export function toolResults(request: RecordedRequest): ToolResult[] {
  const names = new Map<unknown, string>();
  for (const { tool_calls: calls } of request.messages) {
    if (!Array.isArray(calls)) continue;
    for (const call of calls as { id: string; function: { name: string } }[]) names.set(call.id, call.function.name);
  }
  return request.messages
    .filter(({ role }) => role === "tool")
    .map(({ tool_call_id: id, content }) => ({ callId: String(id), name: names.get(id), text: textOf(content) }));
}

/** The newest tool result's text, or "". */
export function lastToolResult(request: RecordedRequest): string {
  return toolResults(request).at(-1)?.text ?? "";
}

/** The user message that opened the turn. */
export function turnText(request: RecordedRequest): string {
  return textOf(conversation(request).findLast(({ role }) => role === "user")?.content);
}

function answersTool(request: RecordedRequest): boolean {
  return conversation(request).at(-1)?.role === "tool";
}

/** 2026.9.6 ends each request with a user message about what is running, which nobody has said. */
function conversation({ messages }: RecordedRequest): Record<string, unknown>[] {
  return messages.filter(({ role, content }) => role !== "user" || !isStateOfThings(textOf(content)));
}

function isStateOfThings(text: string): boolean {
  return text.startsWith("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>") && text.includes('"Active exec sessions:');
}

function isCompletion(request: RecordedRequest): boolean {
  return COMPLETIONS.some((opening) => turnText(request).includes(opening));
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as { text?: unknown }[]).map(({ text }) => (typeof text === "string" ? text : "")).join("");
}

function matches(text: string, pattern: string | RegExp): boolean {
  return typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
}

/** How 2026.4.1, 2026.9.6 and this package announce a child's result; all of them quote the child's task. */
const COMPLETIONS = [
  "[Internal task completion event]",
  "A background task completed. Use this result",
  "Child completion results:",
  "[Subagent result]",
];

const servers: ModelServer[] = [];
