/** What went wrong, in our codes. */

import type { EngineResult } from "../../../channel/protocol.ts";
import { causeOf, isErrorCode, messageOf, type Cause, type ErrorCode } from "../../../errors.ts";
import { noUsage } from "../../../usage.ts";

/** The runner asks for another model by an error of this name. */
export function isFailover(error: unknown): boolean {
  return error instanceof Error && error.name === "FailoverError";
}

export function modelFailure(model: string, said: string): Cause {
  const code = TIMED_OUT.test(said) ? "model_timeout" : "model_error";
  return { code, message: `The model ${model} failed: ${said}` };
}

/** A turn that ended before its model was asked. */
export function failedBefore(error: unknown, signal?: AbortSignal): EngineResult {
  const base = { text: "", usage: noUsage() };
  if (signal?.aborted === true) return { ...base, status: "aborted", cause: abortCause(signal) };
  return { ...base, status: "error", cause: codedCause(error, "engine_failed") };
}

export function abortCause(signal: AbortSignal): Cause {
  return codedCause(signal.reason, "run_killed");
}

/** By its code and not by its class: this file and the one that hands the reason over each hold a class of their own. */
export function codedCause(error: unknown, fallback: ErrorCode): Cause {
  const code = (error as { code?: unknown } | null)?.code;
  return isErrorCode(code) ? { code, message: messageOf(error) } : causeOf(error, fallback);
}

const TIMED_OUT = /\btime(?:d|s)?[- ]?out\b/i;
