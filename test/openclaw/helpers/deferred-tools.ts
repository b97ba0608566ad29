/** 2026.9.6 keeps most tools behind `tool_search`, `tool_describe` and `tool_call`: how a model calls one, and what it sees. */

import type { RecordedRequest, ScriptedToolCall, StreamReply } from "../../helpers/model-replies.ts";
import { lastToolResult, toolResults } from "./conversation.ts";

export type Answer = {
  /** What stands before the result's JSON. */
  opening: string;
  result: Record<string, unknown>;
};

export function deferredCall(id: string, args: Record<string, unknown>): ScriptedToolCall {
  return { name: "tool_call", args: { id, args } };
}

/** Calls the tools side by side, as one reply of the model. */
export function callDeferred(...calls: [id: string, args: Record<string, unknown>][]): StreamReply {
  return { toolCalls: calls.map(([id, args]) => deferredCall(id, args)) };
}

/** What the newest `tool_call` of the conversation came to. */
export function deferredAnswer(request: RecordedRequest): Answer {
  return parseAnswer(lastToolResult(request));
}

/** The same for the last `count` of them, oldest first. */
export function deferredAnswers(request: RecordedRequest, count: number): Answer[] {
  return toolResults(request)
    .slice(-count)
    .map(({ text }) => parseAnswer(text));
}

/** The inner tool's own text, when `tool_call` could make the call; else what it said itself. */
function parseAnswer(shown: string): Answer {
  const outer = parse(shown) as { result?: { content?: { text?: string }[] } } | undefined;
  const text = outer?.result?.content?.map((block) => block.text ?? "").join("\n") ?? shown;
  const at = text.indexOf("{");
  const result = at < 0 ? undefined : parse(text.slice(at));
  return result === undefined ? { opening: text, result: {} } : { opening: text.slice(0, at).trim(), result };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
