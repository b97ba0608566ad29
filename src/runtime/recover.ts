/** What dead processes left: each of their runs is settled once and told of, and never run again by us. */

import { lastTextIn } from "./last-text.ts";
import type { Parts } from "./parts.ts";
import { completionOfRow } from "./settler.ts";

/** Settles what is left now. @returns whose children they were: the sessions that are owed a completion */
export function recover({ registry, logger }: Pick<Parts, "registry" | "logger">): string[] {
  const left = registry.takeOverDead(Date.now(), (row, cause) =>
    completionOfRow({ ...row, text: lastTextIn(row.transcriptPath) }, { status: "interrupted", cause }),
  );
  for (const row of left) {
    logger.warn({ runId: row.runId }, "a run was interrupted: the process that owned it had ended");
  }
  return left.map((row) => row.requesterSessionKey);
}

/**
 * Looks again from time to time: an owner whose process id was given to another process is known to be dead only once
 * its lease has run out. @returns the function that stops it
 */
export function keepRecovering(
  parts: Pick<Parts, "registry" | "logger">,
  onOwed: (sessionKey: string) => void,
): () => void {
  const timer = setInterval(() => recover(parts).forEach(onOwed), LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** Longer than a lease (30 s). */
const LOOK_MS = 45_000;
