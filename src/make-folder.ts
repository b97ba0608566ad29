/**
 * Making folders with those above them, step by step: Node's own recursive mkdir never returns where the system
 * refuses a folder with ENOENT although its parent is there, as below /proc.
 */

import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes `dir` and what is missing above it, all with `mode` (nothing on Windows).
 * @returns the topmost folder that was made; undefined when all were there
 * @throws the system's error; then nothing was made
 */
export function makeFolder(dir: string, mode: number): string | undefined {
  if (existsSync(dir)) return undefined;
  const above = dirname(dir) === dir ? undefined : makeFolder(dirname(dir), mode);
  try {
    mkdirSync(dir, { mode });
  } catch (error) {
    // Another process was quicker.
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return above;
    if (above !== undefined) removeEmpty(dirname(dir), above);
    throw error;
  }
  return above ?? dir;
}

/** Removes `dir` and the folders above it up to `top`, stopping at the first that isn't empty. */
export function removeEmpty(dir: string, top: string): void {
  try {
    rmdirSync(dir);
    if (resolve(dir) !== resolve(top)) removeEmpty(dirname(dir), top);
  } catch {
    // Somebody else has put something there: it stays.
  }
}
