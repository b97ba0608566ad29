/**
 * Answers of models, let through piece by piece. The runner works through all of an answer that has arrived before its
 * thread's loop turns again, and that work grows with the square of the answer's length: 200 KB at once held every
 * other run on the thread up for nine seconds. Between pieces the loop turns, so they take turns.
 */

import { setImmediate as nextTurn } from "node:timers/promises";

/** Paces every event stream that this thread fetches from now on; once for each thread. */
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

/** The same response (a copy would lose its URL) with another body, made when it is first asked for. */
export function withPacedBody(response: Response): Response {
  const { body } = response;
  if (body === null) return response;
  let paced: ReadableStream<Uint8Array> | undefined;
  return Object.defineProperty(response, "body", { get: () => (paced ??= inPieces(body)) });
}

function inPieces(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  return ReadableStream.from(pieces(body));
}

async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      if (at > 0) await nextTurn();
      yield chunk.subarray(at, at + PIECE_BYTES);
    }
  }
}

let isPaced = false;
/** Some four small deltas: at 200 KB each takes the runner one to two milliseconds. */
const PIECE_BYTES = 1024;
