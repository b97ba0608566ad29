/**
 * Answers of models, let through piece by piece. The runner works through all of an answer that has arrived before its
 * thread's loop turns again, and that work grows with the square of the answer's length: 200 KB at once held every
 * other run on the thread up for nine seconds. Between pieces the loop turns, so they take turns.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Paces every event stream that this thread's `fetch` brings from now on; once for each thread. Answers of other kinds,
 * and of clients that don't use `fetch`, come as they are.
 */
export function paceStreams(): void {
  if (isPaced) return;
  isPaced = true;
  const plain = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    const response = await plain(...args);
    const type = response.headers.get("content-type")?.toLowerCase();
    return type?.startsWith("text/event-stream") && response.body !== null
      ? paced(response, inPieces(response))
      : response;
  };
}

/** A copy with another body, so that all that can be done with a body is the platform's own; it says what a copy forgets. */
function paced(plain: Response, body: ReadableStream<Uint8Array> | null): Response {
  const { url, redirected, type, headers } = plain;
  const copy = new Response(body, plain);
  return Object.defineProperties(copy, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
    headers: { value: headers },
    // Half of a body that comes in pieces does so too.
    clone: { value: () => paced(plain, Response.prototype.clone.call(copy).body as typeof body) },
  });
}

/**
 * A byte stream, as a body of `fetch` is one. Touches the response's own when it is read or cancelled, no sooner; and
 * holds the response itself, as the platform cancels the body of one that nobody has any more.
 */
function inPieces(response: Response): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let rest: Uint8Array = new Uint8Array(0);
  const read = (): ReadableStreamDefaultReader<Uint8Array> =>
    (reader ??= (response.body as ReadableStream<Uint8Array>).getReader());
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      if (rest.length > 0) await nextTurn();
      while (rest.length === 0) {
        // An abort ends the stream at once, whatever is still held.
        if (reader === undefined) read().closed.catch((error: unknown) => controller.error(error));
        const { done, value } = await read().read();
        if (done) {
          controller.close();
          // A read into a buffer of the reader's own is still open.
          controller.byobRequest?.respond(0);
          return;
        }
        rest = value;
      }
      // What is enqueued is taken away with its whole buffer.
      controller.enqueue(new Uint8Array(rest.subarray(0, PIECE_BYTES)));
      rest = rest.subarray(PIECE_BYTES);
    },
    cancel: (reason) => read().cancel(reason),
  });
}

let isPaced = false;
/** Some four small deltas: at 200 KB each takes the runner one to two milliseconds. */
const PIECE_BYTES = 1024;
