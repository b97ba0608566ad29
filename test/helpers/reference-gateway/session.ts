/** A session of the gateway's with the runs in it. */

import type { Cause } from "../../../src/errors.ts";
import type { ChildRun } from "./child-run.ts";
import { MethodError } from "./wire.ts";

/** A session as it stands in the store; what else was patched into it stays as it was given. */
export type SessionEntry = { sessionId: string; updatedAt: number; spawnDepth?: number; [key: string]: unknown };

export type Session = {
  entry: SessionEntry;
  /** The newest. */
  run?: ChildRun;
  /** Not over yet. */
  open: Set<ChildRun>;
  /** At work, and when it has let go of the session. */
  active?: { run: ChildRun; released: Promise<void> };
  /** When all of them have. */
  free: Promise<void>;
  turns: number;
};

/**
 * Ends the run under way and resolves when it has let go of the session. One that `agent` began and that waits in the
 * lane isn't reached, as in 2026.4.1; a chat is. @returns whether there was one
 */
export async function interruptSession({ active, open }: Session, key: string): Promise<boolean> {
  const chats = [...open].filter((run) => run.via === "chat");
  for (const run of active === undefined ? chats : [...chats, active.run]) run.abort(INTERRUPTED);
  if (active !== undefined) {
    const late = new Promise<true>((resolve) => setTimeout(resolve, INTERRUPT_MS, true).unref());
    if ((await Promise.race([active.released, late])) === true) {
      throw new MethodError(`Session ${key} is still active; try again in a moment.`, "UNAVAILABLE");
    }
  }
  return active !== undefined || chats.length > 0;
}

export const INTERRUPTED: Cause = { code: "run_killed", message: "The session was interrupted, or deleted." };
/** As long as 2026.4.1 waits for a turn to end. */
const INTERRUPT_MS = 15_000;
