import type { Writable } from "node:stream";

/** Resolves when all that was written has left the process, or never will; errors it met have been told by then. */
export async function flushed(stream: Writable): Promise<void> {
  if (stream.writable) {
    await new Promise<void>((resolve) => {
      stream.once("error", () => resolve());
      stream.once("close", resolve);
      stream.write("", () => resolve());
    });
  }
  await new Promise(setImmediate);
}
