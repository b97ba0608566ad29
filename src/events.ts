/** What can be watched of a run, as one union. Times are milliseconds since the epoch. */

import type { Outcome, Usage } from "./types.ts";

/** What an engine tells while it works; the host adds which run it was. */
export type EngineEvent =
  /** A model call begins. */
  | { type: "model_request"; model: string }
  /** A piece of the answer; sent only for a run that somebody watches, in batches. */
  | { type: "text"; text: string }
  | { type: "thinking"; text: string }
  /** `detail` is one short line for a person: the path, the pattern, the command. */
  | { type: "tool_start"; toolCallId: string; tool: string; detail: string }
  | { type: "tool_end"; toolCallId: string; tool: string; isError: boolean; ms: number }
  /** The run's usage so far, after each model call. */
  | { type: "usage"; usage: Usage; model: string }
  /** A model call failed and another is made. */
  | { type: "retry"; model: string; reason: string };

/** The life of a run on the host. */
export type LifecycleEvent =
  | { type: "accepted"; task: string; label?: string; agentId: string; depth: number; queuePosition: number }
  /** `threadId` is the worker thread's id; `queueMs` what the run waited in the lane. */
  | { type: "started"; threadId: number; queueMs: number }
  /** Its thread was lost, its children are done, or its requester had more to say: the run goes on from its transcript. */
  | { type: "resumed"; reason: "children_settled" | "thread_lost" | "steered" }
  | { type: "waiting"; children: number }
  | { type: "settled"; outcome: Outcome; usage: Usage; runtimeMs: number; model?: string; text: string }
  | { type: "delivered"; attempts: number }
  | { type: "undelivered"; reason: string };

export type RunEvent = { runId: string; sessionKey: string; requesterSessionKey: string; at: number } & (
  EngineEvent | LifecycleEvent
);

/** @default every run, without text and thinking */
export type EventFilter = {
  /** Only this run. */
  runId?: string;
  /** Only runs this session asked for, at any depth below it. */
  rootSessionKey?: string;
  /** Also `text` and `thinking`: watching costs the main thread a little for each run. @default false */
  text?: boolean;
};
