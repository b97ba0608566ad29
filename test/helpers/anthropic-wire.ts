/** A scripted answer as Anthropic message events. */

import type { RecordedRequest, StreamReply } from "./model-replies.ts";
import { pieces, usageOf, withIds } from "./wire-parts.ts";

/** SSE frames of one answer, in order; each is written by itself. */
export function* anthropicFrames(reply: StreamReply, request: RecordedRequest): Generator<string> {
  const { input, output } = usageOf(reply, request);
  yield frame({ type: "message_start", message: emptyMessage(request, input) });
  let index = 0;
  if (reply.text) {
    yield frame({ type: "content_block_start", index, content_block: { type: "text", text: "" } });
    for (const text of pieces(reply.text, reply.chunkChars)) {
      yield frame({ type: "content_block_delta", index, delta: { type: "text_delta", text } });
    }
    yield frame({ type: "content_block_stop", index });
    index += 1;
  }
  for (const { id, name, args } of withIds(reply, request)) {
    yield frame({ type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } });
    for (const piece of pieces(JSON.stringify(args), reply.chunkChars)) {
      yield frame({ type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: piece } });
    }
    yield frame({ type: "content_block_stop", index });
    index += 1;
  }
  const stopped = { stop_reason: stopReason(reply), stop_sequence: null };
  yield frame({ type: "message_delta", delta: stopped, usage: { output_tokens: output } });
  yield frame({ type: "message_stop" });
}

/** The body of an error answer. */
export function anthropicError(status: number, message: string): unknown {
  return { type: "error", error: { type: ERROR_TYPES[status] ?? "api_error", message } };
}

function frame(event: { type: string } & Record<string, unknown>): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function emptyMessage(request: RecordedRequest, input: number): object {
  return {
    id: `msg_${request.index}`,
    type: "message",
    role: "assistant",
    model: request.body.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: input, output_tokens: 0 },
  };
}

function stopReason(reply: StreamReply): string {
  const reason = reply.stopReason ?? (reply.toolCalls?.length ? "tool_use" : "stop");
  return { stop: "end_turn", tool_use: "tool_use", length: "max_tokens" }[reason];
}

const ERROR_TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};
