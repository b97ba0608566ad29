/** How an attempt ended, from what the runner returned or threw and from the transcript it kept. */

import type { EngineResult } from "../../../channel/protocol.ts";
import { messageOf, type Cause } from "../../../errors.ts";
import { abortCause, codedCause, isFailover, modelFailure } from "./failures.ts";
import type { Attempt } from "./run-attempt.ts";
import type { RunnerEvents } from "./runner-events.ts";
import type { RunnerResult } from "./runner.ts";
import { turnSince, type TurnTrace } from "./turn-trace.ts";

export function attemptResult(ended: RunnerResult, attempt: Attempt, events: RunnerEvents): EngineResult {
  const { yielded, ...base } = told(attempt, events, ended);
  if (attempt.signal.aborted) return { ...base, status: "aborted", cause: abortCause(attempt.signal) };
  const failure = failureOf(ended, events);
  if (failure === undefined) return { ...base, ...(yielded === undefined ? {} : { yielded }), status: "ok" };
  return { ...base, status: "error", cause: modelFailure(base.model, failure) };
}

export function thrownResult(error: unknown, attempt: Attempt, events: RunnerEvents): EngineResult {
  const { yielded: _failed, ...base } = told(attempt, events);
  if (attempt.signal.aborted) return { ...base, status: "aborted", cause: abortCause(attempt.signal) };
  const cause: Cause = isFailover(error)
    ? modelFailure(base.model, messageOf(error))
    : codedCause(error, "engine_failed");
  return { ...base, status: "error", cause };
}

/** Emits what the attempt has used so far. */
export function tellUsage({ task, link, model }: Attempt, events: RunnerEvents, ended?: RunnerResult) {
  const trace = turnSince(task.transcriptPath, events.since);
  const answered = trace.model ?? metaModel(ended) ?? `${model.provider}/${model.id}`;
  const usage = { ...trace.usage, toolCalls: events.toolCalls };
  link.emit({ type: "usage", usage, model: answered });
  return { trace, usage, model: answered };
}

/** What was said and used, however it ended. */
function told(attempt: Attempt, events: RunnerEvents, ended?: RunnerResult) {
  const { trace, ...used } = tellUsage(attempt, events, ended);
  return { text: lastText(trace, events, ended), yielded: trace.yielded, ...used };
}

/** The transcript holds it whole; the runner's own rendering leaves out what isn't for a channel. */
function lastText(trace: TurnTrace, events: RunnerEvents, ended: RunnerResult | undefined): string {
  const shown = ended?.payloads?.filter((payload) => payload.isError !== true && payload.isReasoning !== true);
  return trace.text || events.text || (shown?.at(-1)?.text ?? "");
}

function metaModel(ended: RunnerResult | undefined): string | undefined {
  const { provider, model } = ended?.meta.agentMeta ?? {};
  return provider === undefined || model === undefined ? undefined : `${provider}/${model}`;
}

/** In words; undefined when the turn came to its end. A failed tool is the model's matter, not the turn's. */
function failureOf({ meta, payloads }: RunnerResult, events: RunnerEvents): string | undefined {
  if (meta.error !== undefined) return meta.error.message ?? meta.error.kind ?? UNKNOWN;
  const said = events.error ?? payloads?.find((payload) => payload.isError === true)?.text;
  if (meta.stopReason === "error" || meta.stopReason === "aborted") return said ?? UNKNOWN;
  const answered = payloads?.some((payload) => payload.isError !== true) ?? false;
  return meta.stopReason === undefined && !answered && said !== undefined ? said : undefined;
}

const UNKNOWN = "the answer ended without a reason";
