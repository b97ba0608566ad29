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
    const isEvents = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    return isEvents ? withPacedBody(response) : response;
  };
}

/** The same response, as a copy would lose its URL, with another body; of a clone only this half is paced. */
function withPacedBody(response: Response): Response {
  let paced: ReadableStream<Uint8Array> | null | undefined;
  return Object.defineProperty(response, "body", {
    get: () => (paced ??= inPieces(bodyOf.call(response) as ReadableStream<Uint8Array> | null)),
  });
}

/** Touches the body when it is read or cancelled, no sooner: it may yet be read as a whole, or cloned. */
function inPieces(body: ReadableStream<Uint8Array> | null): ReadableStream<Uint8Array> | null {
  if (body === null) return null;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let rest = new Uint8Array(0);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (rest.length > 0) {
          await nextTurn();
        } else {
          const { done, value } = await (reader ??= body.getReader()).read();
          if (done) return controller.close();
          rest = value as typeof rest;
        }
        controller.enqueue(rest.subarray(0, PIECE_BYTES));
        rest = rest.subarray(PIECE_BYTES);
      },
      cancel: (reason) => (reader ??= body.getReader()).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

const bodyOf = Object.getOwnPropertyDescriptor(Response.prototype, "body")!.get!;
let isPaced = false;
/** Some four small deltas: at 200 KB each takes the runner one to two milliseconds. */
const PIECE_BYTES = 1024;
