/** What is answered to a call, put together. */

import type { ChildRun, RunEnd } from "./child-run.ts";
import type { ErrorShape } from "./wire.ts";

export type Answer = { ok: true; payload: unknown } | { ok: false; error: ErrorShape; payload?: unknown };

export function payload(value: unknown): Answer {
  return { ok: true, payload: value };
}

/** The second answer to an `agent`, when its run is over. */
export function finalAnswer(
  { runId, startedAt, endedAt }: ChildRun,
  end: RunEnd,
  agent: Record<string, unknown>,
): Answer {
  if (end.status === "error") {
    const summary = end.error ?? "";
    return {
      ok: false,
      payload: { runId, status: "error", summary },
      error: { code: "UNAVAILABLE", message: summary },
    };
  }
  const { input, output, cacheRead, cacheWrite, totalTokens: total } = end.usage;
  const agentMeta = { ...agent, usage: { input, output, cacheRead, cacheWrite, total } };
  const meta = { durationMs: endedAt! - (startedAt ?? endedAt!), agentMeta, aborted: end.aborted };
  const payloads = end.text === "" ? [] : [{ text: end.text, mediaUrl: null }];
  return payload({ runId, status: "ok", summary: "completed", result: { payloads, meta } });
}

/** A message to a session whose turns nobody plays here. */
export function noted(runId: string): Pick<ChildRun, "wait" | "end"> {
  const at = Date.now();
  return { end: undefined, wait: async () => ({ runId, status: "ok", startedAt: at, endedAt: at }) };
}

/** Long texts of a message shortened. */
export function cut(message: Record<string, unknown>, maxChars: number): Record<string, unknown> {
  const { content } = message;
  if (!Array.isArray(content)) return message;
  const blocks = (content as { text?: unknown }[]).map((block) =>
    typeof block.text === "string" && block.text.length > maxChars
      ? { ...block, text: `${block.text.slice(0, maxChars)}\n...(truncated)...` }
      : block,
  );
  return { ...message, content: blocks };
}
