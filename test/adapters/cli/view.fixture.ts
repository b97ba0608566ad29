/** Events as a run makes them, for the tests of the show. */

import { initialView, type ViewState } from "../../../src/adapters/cli/view-state.ts";
import type { EngineEvent, LifecycleEvent, RunEvent } from "../../../src/events.ts";
import type { Usage } from "../../../src/types.ts";

export const MAIN_KEY = "agent:main:main";
export const START = 1_000_000;

export function freshView(): ViewState {
  return initialView({
    runtime: "inprocess",
    reason: "the gateway listens on loopback",
    model: "demo/scripted",
    workspace: "/work/space",
    mainSessionKey: MAIN_KEY,
    startedAt: START,
  });
}

/** An event of run `id`, `seconds` after the start; its requester is the main session unless said. */
export function event(id: string, seconds: number, what: EngineEvent | LifecycleEvent, requester = MAIN_KEY): RunEvent {
  return { runId: id, sessionKey: keyOf(id), requesterSessionKey: requester, at: START + seconds * 1_000, ...what };
}

export function keyOf(id: string): string {
  return id === "main" ? MAIN_KEY : `agent:main:subagent:${id}`;
}

export function accepted(label: string, depth = 1): LifecycleEvent {
  return { type: "accepted", task: `the task of ${label}`, label, agentId: "main", depth, queuePosition: 0 };
}

export function usage(totalTokens: number, costUsd = 0): Usage {
  return { input: totalTokens, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens, costUsd, turns: 1, toolCalls: 2 };
}

export function settled(status: "ok" | "error" | "killed", totalTokens: number): LifecycleEvent {
  const outcome =
    status === "ok" ? { status } : { status, cause: { code: "model_error" as const, message: "the server said no" } };
  return { type: "settled", outcome, usage: usage(totalTokens), runtimeMs: 800, text: "found it" };
}
