/** Newline-delimited JSON on a stream, no faster than its reader. */

import { once } from "node:events";
import type { Writable } from "node:stream";

/** Writes one value as one line; resolves when the stream takes more, or is gone. */
export type WriteLine = (value: unknown) => Promise<void>;

export function jsonLines(stream: Writable): WriteLine {
  return async (value) => {
    if (!stream.writable || stream.write(`${JSON.stringify(value)}\n`)) return;
    const gone = new AbortController();
    const options = { signal: gone.signal };
    // A reader that left never drains: the error or the close ends the wait, and its own listener says what follows.
    await Promise.race([once(stream, "drain", options), once(stream, "close", options)]).catch(() => undefined);
    gone.abort();
  };
}
