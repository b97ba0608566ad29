/** A scripted answer as OpenAI chat completion chunks. */

import type { RecordedRequest, StreamReply } from "./model-replies.ts";
import { pieces, usageOf, withIds } from "./wire-parts.ts";

/** SSE frames of one answer, in order; each is written by itself. */
export function* openaiFrames(reply: StreamReply, request: RecordedRequest): Generator<string> {
  const chunk = (choices: unknown[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head(request), choices, ...more })}\n\n`;
  const delta = (value: object): string => chunk([{ index: 0, delta: value, finish_reason: null }]);

  yield delta({ role: "assistant", content: "" });
  for (const piece of pieces(reply.text ?? "", reply.chunkChars)) yield delta({ content: piece });
  for (const [index, call] of withIds(reply, request).entries()) {
    const announced = { index, id: call.id, type: "function", function: { name: call.name, arguments: "" } };
    yield delta({ tool_calls: [announced] });
    for (const piece of pieces(JSON.stringify(call.args), reply.chunkChars)) {
      yield delta({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }
  yield chunk([{ index: 0, delta: {}, finish_reason: finishReason(reply) }]);
  if (wantsUsage(request.body)) {
    const { input, output } = usageOf(reply, request);
    yield chunk([], { usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output } });
  }
  yield "data: [DONE]\n\n";
}

/** The body of an error answer. */
export function openaiError(status: number, message: string): unknown {
  return { error: { message, type: status === 429 ? "rate_limit_error" : "server_error", code: String(status) } };
}

function head(request: RecordedRequest): object {
  const { model } = request.body;
  return { id: `chatcmpl-${request.index}`, object: "chat.completion.chunk", created: 1_700_000_000, model };
}

function finishReason(reply: StreamReply): string {
  const reason = reply.stopReason ?? (reply.toolCalls?.length ? "tool_use" : "stop");
  return reason === "tool_use" ? "tool_calls" : reason;
}

function wantsUsage(body: Record<string, unknown>): boolean {
  const options = body.stream_options;
  return (
    typeof options === "object" && options !== null && "include_usage" in options && options.include_usage === true
  );
}
