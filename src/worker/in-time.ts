/**
 * Work that may never end, such as a regular expression of somebody else's, in a thread that others share. Node can end
 * code from outside only where `node:vm` runs it; the context is for that alone and shields nothing.
 */

import { runInNewContext } from "node:vm";

/**
 * @param work synchronous; ended in its middle, whatever it catches
 * @param ms milliseconds it may take; at least 1
 * @throws what `work` throws, and an error that `isOutOfTime` knows
 */
export function inTime<T>(work: () => T, ms: number): T {
  return runInNewContext("work()", { work }, { timeout: ms }) as T;
}

export function isOutOfTime(error: unknown): boolean {
  return (error as { code?: unknown } | null | undefined)?.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
