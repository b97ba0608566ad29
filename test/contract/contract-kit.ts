/** What the contract's tests work with: a runtime to test, and a model that answers when it is told to. */

import { expect, onTestFinished } from "vitest";

import type { RunEvent } from "../../src/events.ts";
import type { SubagentRuntime } from "../../src/runtime/runtime.ts";
import type { Requester, SpawnParams, SpawnResult } from "../../src/types.ts";
import type { RecordedRequest, Reply, Script } from "../helpers/model-replies.ts";
import type { RecordingHost } from "../helpers/recording-host.ts";

export type Subject = {
  runtime: SubagentRuntime;
  /** A main session that nobody has used before. */
  requester: Requester;
  host: RecordingHost;
  /** Every request of its children's model, oldest first. */
  requests(): readonly RecordedRequest[];
};

export type Opening = {
  /** What the children's model answers. */
  script: Script;
  /** Keys of `agents.defaults.subagents`. */
  limits?: Record<string, unknown>;
};

export type Started = Subject & {
  /** Insists that it is accepted. */
  spawn(params: SpawnParams | string, options?: { idempotencyKey?: string }): Promise<Accepted>;
};

type Accepted = Extract<SpawnResult, { status: "accepted" }>;

export function spawner({ runtime, requester }: Subject): Started["spawn"] {
  return async (params, options) => {
    const result = await runtime.spawn(typeof params === "string" ? { task: params } : params, requester, options);
    expect(result).toMatchObject({ status: "accepted" });
    return result as Accepted;
  };
}

export type Held = {
  reply: (request: RecordedRequest) => Promise<Reply>;
  /** Resolves when the first request came in. */
  reached: Promise<void>;
  go(): void;
};

/** Opens a runtime for a test. */
export type Start = (script: Script, limits?: Record<string, unknown>) => Promise<Started>;

/** Answers nothing before `go`. */
export function held(answer: string): Held {
  const arrival = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const reply = async (): Promise<Reply> => {
    arrival.resolve();
    await leave.promise;
    return answer;
  };
  onTestFinished(() => leave.resolve());
  return { reply, reached: arrival.promise, go: () => leave.resolve() };
}

export function collected(events: AsyncIterable<RunEvent>): RunEvent[] {
  const seen: RunEvent[] = [];
  void (async () => {
    for await (const event of events) seen.push(event);
  })();
  return seen;
}

/** A real gateway takes seconds for its first turn, and fifteen to be sure that one has failed. */
export const LONG_MS = 60_000;
export const POLL = { timeout: LONG_MS, interval: 20 };
