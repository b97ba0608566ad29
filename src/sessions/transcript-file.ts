/** A transcript's text as it lies on the disk. Synchronous, and slow for a long one: for a thread that may stall. */

import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Empty while its run hasn't begun; one that was put away stands under another name, and the newest of those is it.
 * @param maxBytes of a longer file its last part, which may begin in the midst of a line. @default 64 MiB
 * @throws what `node:fs` throws for a file that is there and can't be read
 */
export function readTranscript(path: string, maxBytes = MAX_BYTES): string {
  try {
    return readEnd(path, maxBytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const putAway = newestPutAway(path);
    return putAway === undefined ? "" : readEnd(putAway, maxBytes);
  }
}

function newestPutAway(path: string): string | undefined {
  const [folder, beginning] = [dirname(path), `${basename(path)}.deleted.`];
  const names = namesIn(folder).filter((name) => name.startsWith(beginning));
  const newest = names.sort().at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}

/** None of a folder that isn't there either. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readEnd(path: string, maxBytes: number): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, maxBytes));
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(file, bytes, filled, bytes.length - filled, size - bytes.length + filled);
      // It has become shorter meanwhile.
      if (read === 0) break;
      filled += read;
    }
    return bytes.toString("utf8", 0, filled);
  } finally {
    closeSync(file);
  }
}

/** Far beyond what a model's context leaves behind. */
const MAX_BYTES = 64 * 1024 * 1024;
