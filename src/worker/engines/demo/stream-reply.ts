/** Streams a decided reply the way a provider streams an answer: start, deltas, done. */

import { setTimeout as sleep } from "node:timers/promises";

import type { Api, AssistantMessage, Message, Model, TextContent, ToolCall } from "@earendil-works/pi-ai";
import { AssistantMessageEventStream } from "@earendil-works/pi-ai/utils/event-stream";

import type { Step } from "./script.ts";

type Reply = { model: Model<Api>; messages: readonly Message[]; decide: () => Step; signal?: AbortSignal };

/**
 * Never throws: a script that fails, like an abort, is the stream's last event. A whole reply takes at most about
 * half a second, however long it is.
 */
export function streamReply({ model, messages, decide, signal }: Reply): AssistantMessageEventStream {
  const stream = new AssistantMessageEventStream();
  const message = emptyMessage(model, messages);
  const run = async () => {
    try {
      await sendStep(stream, message, decide(), messages.length, signal);
      const reason = message.content.some((block) => block.type === "toolCall") ? "toolUse" : "stop";
      message.stopReason = reason;
      stream.push({ type: "done", reason, message });
    } catch (error) {
      const reason = signal?.aborted ? "aborted" : "error";
      message.stopReason = reason;
      message.errorMessage = signal?.aborted ? "the call was aborted" : `the demo script failed: ${String(error)}`;
      stream.push({ type: "error", reason, error: message });
    }
  };
  // The loop takes its first look at the stream after this function has returned.
  queueMicrotask(() => void run());
  return stream;
}

async function sendStep(
  stream: AssistantMessageEventStream,
  message: AssistantMessage,
  { say, calls }: Step,
  messageCount: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  stream.push({ type: "start", partial: message });
  if (say !== "") await sendText(stream, message, say, signal);
  for (const [index, { name, args }] of calls.entries()) {
    if (index % CALLS_A_TICK === 0) await sleep(TICK_MS, undefined, { signal });
    // The id follows from the message list alone, and no two calls of a session share one.
    sendCall(stream, message, { type: "toolCall", id: `demo_${messageCount}_${index}`, name, arguments: args });
  }
}

async function sendText(
  stream: AssistantMessageEventStream,
  message: AssistantMessage,
  text: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const contentIndex = message.content.length;
  const block: TextContent = { type: "text", text: "" };
  message.content.push(block);
  stream.push({ type: "text_start", contentIndex, partial: message });
  for (const delta of chunks(text)) {
    await sleep(TICK_MS, undefined, { signal });
    block.text += delta;
    countOutput(message, delta);
    stream.push({ type: "text_delta", contentIndex, delta, partial: message });
  }
  stream.push({ type: "text_end", contentIndex, content: text, partial: message });
}

function sendCall(stream: AssistantMessageEventStream, message: AssistantMessage, toolCall: ToolCall): void {
  const contentIndex = message.content.length;
  const delta = JSON.stringify(toolCall.arguments);
  message.content.push(toolCall);
  countOutput(message, delta);
  stream.push({ type: "toolcall_start", contentIndex, partial: message });
  stream.push({ type: "toolcall_delta", contentIndex, delta, partial: message });
  stream.push({ type: "toolcall_end", contentIndex, toolCall, partial: message });
}

/** Cuts between characters, never inside one. */
function* chunks(text: string): Generator<string> {
  const size = Math.max(SMALLEST_CHUNK, Math.ceil(text.length / MOST_CHUNKS));
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = Math.min(start + size, text.length);
    if (/[\uD800-\uDBFF]/.test(text.charAt(end - 1))) end += 1;
    yield text.slice(start, end);
  }
}

function emptyMessage(model: Model<Api>, messages: readonly Message[]): AssistantMessage {
  const input = Math.ceil(JSON.stringify(messages).length / CHARS_A_TOKEN);
  return {
    role: "assistant",
    content: [],
    api: model.api,
    provider: model.provider,
    model: model.id,
    usage: {
      input,
      output: 0,
      cacheRead: 0,
      cacheWrite: 0,
      totalTokens: input,
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
    },
    stopReason: "pending",
    timestamp: Date.now(),
  };
}

function countOutput(message: AssistantMessage, delta: string): void {
  const tokens = Math.ceil(delta.length / CHARS_A_TOKEN);
  message.usage.output += tokens;
  message.usage.totalTokens += tokens;
}

const TICK_MS = 7;
const SMALLEST_CHUNK = 16;
const MOST_CHUNKS = 40;
const CALLS_A_TICK = 8;
/** A rule of thumb: there is no tokenizer to ask. */
const CHARS_A_TOKEN = 4;
