/** The lock that the runner holds on a transcript while a turn lasts, when it outlives its thread. */

import { readFileSync, rmSync } from "node:fs";

/**
 * A thread that is ended leaves its lock behind, with the number of a process that lives: nobody but us can tell that
 * it is nobody's. Only for a session whose thread is known to be gone; another process's lock is left alone.
 */
export function breakOwnLock(transcriptPath: string): void {
  const path = `${transcriptPath}.lock`;
  try {
    const { pid } = JSON.parse(readFileSync(path, "utf8")) as { pid?: unknown };
    if (pid === process.pid) rmSync(path, { force: true });
  } catch {
    // There is none, or none that says whose it is: the runner has its own way with those.
  }
}
