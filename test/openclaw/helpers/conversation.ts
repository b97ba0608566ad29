/** A conversation as a model request carries it, in OpenAI's shape: what was said, called, offered. */

import type { RecordedRequest } from "../../helpers/model-replies.ts";

export type ToolResult = {
  callId: string;
  /** The tool that was called, when the call is still in the conversation. */
  name: string | undefined;
  text: string;
};

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

/** Whether the turn goes on after a tool's result. */
export function answersTool(request: RecordedRequest): boolean {
  return conversation(request).at(-1)?.role === "tool";
}

/** 2026.9.6 ends each request with a user message about what is running, which nobody has said. */
function conversation({ messages }: RecordedRequest): Record<string, unknown>[] {
  return messages.filter(({ role, content }) => role !== "user" || !isStateOfThings(textOf(content)));
}

function isStateOfThings(text: string): boolean {
  return text.startsWith("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>") && text.includes('"Active exec sessions:');
}

/** Whether the turn hands over a child's result. */
export function isCompletion(request: RecordedRequest): boolean {
  return COMPLETIONS.some((opening) => turnText(request).includes(opening));
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as { text?: unknown }[]).map(({ text }) => (typeof text === "string" ? text : "")).join("");
}

/** How 2026.4.1, 2026.9.6 and this package announce a child's result; all of them quote the child's task. */
const COMPLETIONS = [
  "[Internal task completion event]",
  "A background task completed. Use this result",
  "Child completion results:",
  "[Subagent result]",
];
