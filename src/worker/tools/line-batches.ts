/** A file's lines, some at a time. */

import type { FileHandle } from "node:fs/promises";
import { StringDecoder } from "node:string_decoder";
import { looksBinary, readChunks } from "./read-chunks.ts";

/** Without line ends and byte order mark; of a line longer than 20,000 characters only so many are given. */
export async function* lineBatches(handle: FileHandle, bytes: number): AsyncGenerator<string[] | "binary"> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let first = true;
  for await (const chunk of readChunks(handle, bytes)) {
    if (first && looksBinary(chunk)) {
      yield "binary";
      return;
    }
    const text = decoder.write(chunk);
    const lines = (rest + (first ? text.replace(/^\uFEFF/, "") : text)).split("\n");
    first = false;
    rest = capped(lines.pop() ?? "");
    if (lines.length > 0) yield lines.map(bare);
  }
  rest += decoder.end();
  if (rest !== "") yield [bare(rest)];
}

function bare(line: string): string {
  return capped(line.endsWith("\r") ? line.slice(0, -1) : line);
}

function capped(line: string): string {
  return line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line;
}

const MAX_LINE = 20_000;
