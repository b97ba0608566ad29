/** What each session was shown last, so that a number in its next call means what stood there and nothing newer. */

import { listNumber } from "../list-number.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";

export function remember(runtime: SubagentRuntime, sessionKey: string, runIds: string[]): void {
  const lists = shown.get(runtime) ?? new Map<string, string[]>();
  shown.set(runtime, lists);
  lists.delete(sessionKey);
  lists.set(sessionKey, runIds);
  for (const oldest of lists.keys()) {
    if (lists.size <= MAX_SESSIONS) break;
    lists.delete(oldest);
  }
}

/** The run id a number stands for; any other target as it is. */
export function meant(runtime: SubagentRuntime, sessionKey: string, target: string): string {
  const number = listNumber(target);
  const list = shown.get(runtime)?.get(sessionKey);
  return (number !== undefined && list?.[number - 1]) || target;
}

const shown = new WeakMap<SubagentRuntime, Map<string, string[]>>();
const MAX_SESSIONS = 1000;
