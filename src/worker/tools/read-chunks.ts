/** A file in pieces: never more than one piece is held, whatever the file's size. */

import type { FileHandle } from "node:fs/promises";

/** Every piece is the same memory, valid until the next one is asked for. `bytes`: the file's size when it was opened. */
export async function* readChunks(handle: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(bytes, CHUNK_BYTES));
  let position = 0;
  while (position < bytes) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - position), position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Whether a file that starts so holds something else than text. */
export function looksBinary(start: Buffer): boolean {
  return start.subarray(0, LOOKED_AT_BYTES).includes(0);
}

const CHUNK_BYTES = 64 * 1024;
const LOOKED_AT_BYTES = 8 * 1024;
