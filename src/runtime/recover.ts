/**
 * What dead processes left: each of their runs is settled once and told of, and never run again by us. Runs of this
 * kind of process and runs of a gateway's are left to whoever knows how to look after them, while somebody may.
 */

import { isAbsolute } from "node:path";
import { lastTextIn } from "./last-text.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { Parts } from "./parts.ts";
import { completionOfRow } from "./settlement-of-run.ts";

type RecoverParts = Pick<Parts, "registry" | "logger">;

/**
 * Settles what is left of runs in threads now; of other runs too when no other process is there that might know more.
 * @returns whose children they were: the sessions that are owed a completion
 */
export function recover(parts: RecoverParts): string[] {
  const alone = parts.registry.isAlone();
  return settleLeft(parts, (row) => alone || isThreadRun(row));
}

/**
 * Looks again from time to time: an owner whose process id was given to another process is known to be dead only once
 * its lease has run out. Runs of the other kind are settled here when they are left over at two looks.
 * @param isOwn the kind of runs that are this caller's @param first looked at in its own way, before anything is settled
 * @returns the function that stops it
 */
export function keepRecovering(
  parts: RecoverParts,
  onOwed: (sessionKey: string) => void,
  isOwn: (row: RunRow) => boolean = isThreadRun,
  first: () => void = () => undefined,
): () => void {
  let seen: ReadonlySet<string> = new Set();
  const look = (): void => {
    first();
    const others = new Set<string>();
    const mayTake = (row: RunRow): boolean => {
      if (isOwn(row) || seen.has(row.runId)) return true;
      others.add(row.runId);
      return false;
    };
    settleLeft(parts, mayTake).forEach(onOwed);
    seen = others;
  };
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** Settles what dead processes left of these, and takes over what those owed. */
export function settleLeft({ registry, logger }: RecoverParts, which: (row: RunRow) => boolean): string[] {
  const left = registry.takeOverDead(
    Date.now(),
    (row, cause) =>
      completionOfRow(
        { ...row, text: lastTextIn(row.transcriptPath), budgetUse: registry.budgets.writtenUse(row.runId) },
        { status: "interrupted", cause },
      ),
    which,
  );
  for (const row of left) {
    logger.warn({ runId: row.runId }, "a run was interrupted: the process that owned it had ended");
  }
  return left.map((row) => row.requesterSessionKey);
}

/** Whether it worked in a thread of the process that owned it: only then its transcript is a file of ours. */
export function isThreadRun({ transcriptPath }: Pick<RunRow, "transcriptPath">): boolean {
  return isAbsolute(transcriptPath);
}

/** Longer than a lease (30 s). */
const LOOK_MS = 45_000;
