/**
 * Searches a requester's transcript for completion keys, a block at a time: transcripts grow and the loop is shared.
 * A key counts when its message was answered: 2026.4.1 leaves a user message without an answer out of the session's
 * next turn, so what a gateway was killed over would stand in the file and never be read by a model.
 */

import { open } from "node:fs/promises";
import type { HostRuntime } from "./api.ts";
import type { RequesterSessions } from "./requester-session.ts";

/** Those of the keys that stand in a message an assistant's follows. */
export type TranscriptSearch = (sessionKey: string, keys: readonly string[]) => Promise<string[]>;

/** For hosts whose sessions are files. */
export function fileTranscripts(sessions: RequesterSessions): TranscriptSearch {
  return async (sessionKey, keys) => {
    const file = (await sessions(sessionKey))?.transcript;
    return file === undefined ? [] : searchFile(file, keys);
  };
}

/** For hosts that keep sessions themselves: the newest messages are asked for. */
export function servedTranscripts(runtime: HostRuntime): TranscriptSearch {
  return async (sessionKey, keys) => {
    const { messages } = await runtime.subagent.getSessionMessages({ sessionKey, limit: NEWEST });
    const texts = messages.map((message) => JSON.stringify(message));
    const lastAnswer = (messages as { role?: unknown }[]).findLastIndex(({ role }) => role === "assistant");
    return keys.filter((key) => texts.slice(0, Math.max(0, lastAnswer)).some((text) => text.includes(key)));
  };
}

/** @returns those of `keys` that stand in the file before an assistant's message; none when it isn't there */
export async function searchFile(file: string, keys: readonly string[]): Promise<string[]> {
  const wanted = keys.map((key) => Buffer.from(key));
  const overlap = Math.max(ANSWER.length, ...wanted.map((bytes) => bytes.length)) - 1;
  const firstAt = new Map<string, number>();
  let lastAnswerAt = -1;
  for await (const { bytes, at } of blocksOf(file, overlap)) {
    keys.forEach((key, n) => {
      const index = firstAt.has(key) ? -1 : bytes.indexOf(wanted[n]!);
      if (index >= 0) firstAt.set(key, at + index);
    });
    const answer = bytes.lastIndexOf(ANSWER);
    if (answer >= 0) lastAnswerAt = at + answer;
  }
  return keys.filter((key) => (firstAt.get(key) ?? Infinity) < lastAnswerAt);
}

/** Each begins with the last `overlap` bytes of the one before: what is looked for may lie across two. */
async function* blocksOf(file: string, overlap: number): AsyncGenerator<{ bytes: Buffer; at: number }> {
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    const block = Buffer.allocUnsafe(overlap + BLOCK_BYTES);
    for (let kept = 0, at = 0; ;) {
      const { bytesRead } = await handle.read(block, kept, BLOCK_BYTES);
      if (bytesRead === 0) return;
      const bytes = block.subarray(0, kept + bytesRead);
      yield { bytes, at };
      kept = Math.min(overlap, bytes.length);
      at += bytes.length - kept;
      bytes.copy(block, 0, bytes.length - kept);
    }
  } finally {
    await handle.close();
  }
}

/** In a line of JSON only a message's own role stands like this: inside a text the quotes are escaped. */
const ANSWER = Buffer.from('"role":"assistant"');
/** Some tens of microseconds of searching between two turns of the loop. */
const BLOCK_BYTES = 256 * 1024;
const NEWEST = 200;
