/** The way from our plugin, which the runner loads again in this thread, to the run whose session calls a tool. */

import { setWorkerBridge, workerBridge } from "../../../sessions/openclaw-context.ts";
import type { EngineLink } from "../../engine.ts";

/** Opens the way for one session. @returns closes it */
export function openBridge(sessionKey: string, link: EngineLink, signal: AbortSignal): () => void {
  if (workerBridge() === undefined) setWorkerBridge({ call, tools });
  const run: LiveSession = { link, signal };
  sessions.set(sessionKey, run);
  return () => {
    if (sessions.get(sessionKey) === run) sessions.delete(sessionKey);
  };
}

async function call(sessionKey: string, name: string, toolCallId: string, args: unknown) {
  const run = sessions.get(sessionKey);
  const tool = run?.link.tools.find((candidate) => candidate.name === name);
  if (run === undefined || tool === undefined) return undefined;
  const named = typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {};
  return tool.execute(toolCallId, named, run.signal);
}

function tools(sessionKey: string): string[] {
  return sessions.get(sessionKey)?.link.tools.map((tool) => tool.name) ?? [];
}

type LiveSession = { link: EngineLink; signal: AbortSignal };

const sessions = new Map<string, LiveSession>();
