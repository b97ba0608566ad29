/** What a message to a child may be, and how often one may come; the same wherever the child works. */

import { performance } from "node:perf_hooks";
import { clip } from "../sessions/clip.ts";

/** @returns what is wrong with it; undefined when nothing is */
export function messageFault(target: string, message: string): string | undefined {
  if (typeof message !== "string" || message.trim() === "")
    return "A steer needs a message: what the subagent is to know.";
  if (message.length > MESSAGE_CHARS) {
    return `The message has ${message.length} characters and at most ${MESSAGE_CHARS} can be sent (it begins “${clip(message, 40)}”); put the rest in a file and name it.`;
  }
  const named = target.trim();
  return named === "all" || named === "*" ? "One message goes to one subagent; name it." : undefined;
}

export class SteerPace {
  /** When a session last steered a child; kept as long as it matters. */
  readonly #last = new Map<string, number>();

  /** Milliseconds until this session may tell this child something again; 0 = now, and counted as done. */
  tooSoon(sessionKey: string, childSessionKey: string): number {
    const now = performance.now();
    for (const [pair, at] of this.#last) if (now - at >= PAIR_MS) this.#last.delete(pair);
    const pair = `${sessionKey}\n${childSessionKey}`;
    const before = this.#last.get(pair);
    if (before !== undefined) return PAIR_MS - (now - before);
    this.#last.set(pair, now);
    return 0;
  }
}

const MESSAGE_CHARS = 4000;
const PAIR_MS = 2000;
