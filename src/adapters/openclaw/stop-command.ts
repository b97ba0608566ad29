/**
 * `/stop` in a chat, and OpenClaw's other words for it: the core ends the session's turn and the children it knows, and
 * ours are ended here. A plugin is told of the message alone, before it is known whether its sender may stop anything:
 * whether the core has stopped a session, the session's entry says.
 */

import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { SubagentRuntime } from "../../runtime/runtime.ts";

export type StopOptions = {
  runtime: Pick<SubagentRuntime, "kill">;
  /** Whether a message is one that stops. */
  isStop(text: string): Promise<boolean>;
  /** Keys of the sessions stopped at or after a time, in milliseconds since the epoch. */
  stoppedSince(at: number): Promise<string[]>;
  agentOf(sessionKey: string): string;
  logger: Logger;
};

/**
 * @param looksMs milliseconds from one look at the sessions to the next, the first after the message
 * @returns to be called with every message that comes in; never throws
 */
export function hearStops(options: StopOptions, looksMs: readonly number[] = LOOKS_MS): (text: string) => void {
  return (text) => {
    if (text.length > MOST_CHARS) return;
    const at = Date.now();
    hear(options, text, at, looksMs).catch((error: unknown) => {
      options.logger.warn({}, `subagents may go on after a stop: ${messageOf(error)}`);
    });
  };
}

async function hear(options: StopOptions, text: string, at: number, looksMs: readonly number[]): Promise<void> {
  if (!(await options.isStop(text))) return;
  for (const pause of looksMs) {
    await delay(pause, undefined, { ref: false });
    // Also after one was found: another session may have been stopped at the same moment.
    for (const sessionKey of await options.stoppedSince(at)) await endChildrenOf(sessionKey, options);
  }
}

async function endChildrenOf(sessionKey: string, { runtime, agentOf, logger }: StopOptions): Promise<void> {
  const { status } = await runtime.kill("all", { sessionKey, agentId: agentOf(sessionKey) });
  if (status === "ok") logger.info({ sessionKey }, "subagents were ended, for their session was stopped");
}

/** The core's first stop loads what it needs; its entry is written then. */
const LOOKS_MS = [200, 800, 3000];
/** None of the words is longer. */
const MOST_CHARS = 64;
