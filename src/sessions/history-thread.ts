/** The helper thread that reads transcripts: they can be long, and reading and cutting them would stall a gateway's loop. */

import { closeSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parentPort } from "node:worker_threads";

import { messageOf } from "../errors.ts";
import type { HistoryAnswer, HistoryQuestion } from "./history-reader.ts";
import { viewHistory } from "./history-view.ts";

parentPort?.on("message", ({ id, path, window }: HistoryQuestion) => {
  let answer: HistoryAnswer;
  try {
    answer = { id, view: viewHistory(readTranscript(path), window) };
  } catch (error) {
    answer = { id, error: messageOf(error) };
  }
  parentPort?.postMessage(answer);
});

/** A run that hasn't begun has no transcript yet; one that was put away stands under another name. */
function readTranscript(path: string): string {
  try {
    return readEnd(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const putAway = newestPutAway(path);
    return putAway === undefined ? "" : readEnd(putAway);
  }
}

function newestPutAway(path: string): string | undefined {
  const beginning = `${basename(path)}.deleted.`;
  try {
    const names = readdirSync(dirname(path)).filter((name) => name.startsWith(beginning));
    const newest = names.sort().at(-1);
    return newest === undefined ? undefined : join(dirname(path), newest);
  } catch {
    return undefined;
  }
}

/** The last part of a file too long to hold; the line it begins in the midst of is passed over by the reader. */
function readEnd(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, MAX_BYTES));
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(file, bytes, filled, bytes.length - filled, size - bytes.length + filled);
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
