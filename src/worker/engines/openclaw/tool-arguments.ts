/** What a tool is called with, in one short line for a person; the runner tells it to listeners of the whole thread only. */

/**
 * The line for a call, once; empty when nothing short is known of it.
 * OpenClaw keeps the listeners under a symbol of its registry, so that all copies of its code meet there.
 */
export function takeDetail(toolCallId: string): string {
  const detail = details.get(toolCallId) ?? "";
  details.delete(toolCallId);
  return detail;
}

/** Starts listening, once for the thread and as soon as the runner is there. */
export function listenToCalls(): void {
  const state = (globalThis as { [key: symbol]: unknown })[Symbol.for("openclaw.agentEvents.state")];
  const listeners = (state as { listeners?: unknown } | undefined)?.listeners;
  if (listeners instanceof Set) listeners.add(heard);
}

function heard(event: { stream?: unknown; data?: CallData }): void {
  const { phase, toolCallId, args } = event.data ?? {};
  if (event.stream !== "tool" || typeof toolCallId !== "string") return;
  if (phase === "start") details.set(toolCallId, describe(args));
  else details.delete(toolCallId);
}

function describe(args: unknown): string {
  if (typeof args !== "object" || args === null) return "";
  const named = args as Record<string, unknown>;
  const value = DESCRIBING.map((name) => named[name]).find((one): one is string => typeof one === "string") ?? "";
  return value
    .slice(0, MAX_CHARS * 4)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MAX_CHARS);
}

type CallData = { phase?: unknown; toolCallId?: unknown; args?: unknown };

const details = new Map<string, string>();
const DESCRIBING = ["command", "path", "file_path", "url", "query", "pattern", "label", "sessionKey", "task", "action"];
const MAX_CHARS = 120;
