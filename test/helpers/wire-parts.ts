/** What both wires share: cutting into chunks, call ids, token counts. */

import type { RecordedRequest, ScriptedToolCall, StreamReply } from "./model-replies.ts";

/** Cuts `text` into pieces of `size` characters. */
export function* pieces(text: string, size = 64): Generator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

export function withIds(reply: StreamReply, request: RecordedRequest): Required<ScriptedToolCall>[] {
  return (reply.toolCalls ?? []).map((call, n) => ({ ...call, id: call.id ?? `call_${request.index}_${n}` }));
}

export function usageOf(reply: StreamReply, request: RecordedRequest): { input: number; output: number } {
  if (reply.usage) return reply.usage;
  const written = (reply.text ?? "").length + JSON.stringify(reply.toolCalls ?? []).length;
  return { input: Math.ceil(JSON.stringify(request.messages).length / 4), output: Math.ceil(written / 4) };
}
