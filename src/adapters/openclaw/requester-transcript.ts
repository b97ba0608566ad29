/**
 * Searches a requester's transcript for completion keys, a block at a time: transcripts grow and the loop is shared.
 * A key counts when its message was answered: 2026.4.1 leaves a user message without an answer out of the session's
 * next turn, so what a gateway was killed over would stand in the file and never be read by a model.
 */

import { open } from "node:fs/promises";
import type { HostRuntime } from "./api.ts";
import type { RequesterSessions } from "./requester-session.ts";

/** `answered`: a model has taken the key's message up · `failed`: only errors of its model stand after it. */
export type KeyState = "answered" | "failed";

/** Those of the keys that stand in a message an assistant's follows. */
export type TranscriptSearch = (sessionKey: string, keys: readonly string[]) => Promise<Map<string, KeyState>>;

type ServedSessions = Pick<HostRuntime["subagent"], "getSessionMessages">;

/** For hosts whose sessions are files. */
export function fileTranscripts(sessions: RequesterSessions): TranscriptSearch {
  return async (sessionKey, keys) => {
    const file = (await sessions(sessionKey))?.transcript;
    return file === undefined ? new Map<string, KeyState>() : searchFile(file, keys);
  };
}

/**
 * For hosts that keep sessions themselves: the newest messages are asked for, more of them when they don't tell of all
 * keys. The host reads them on its loop: some milliseconds a hundred KB.
 */
export function servedTranscripts({ subagent }: { subagent: ServedSessions }): TranscriptSearch {
  const searchNewest = async (sessionKey: string, keys: readonly string[], limit: number): Promise<Search> => {
    const { messages } = await subagent.getSessionMessages({ sessionKey, limit });
    const search = new Search(keys);
    for (const message of messages) search.read(Buffer.from(JSON.stringify(message)), () => message as Message);
    return search;
  };
  return async (sessionKey, keys) => {
    const newest = await searchNewest(sessionKey, keys, OF_A_TURN);
    return newest.hasSeenAll ? newest.states : (await searchNewest(sessionKey, keys, OF_MANY)).states;
  };
}

/** The same for one file of JSON lines; nothing is found when it isn't there. */
export async function searchFile(file: string, keys: readonly string[]): Promise<Map<string, KeyState>> {
  const search = new Search(keys);
  let begun: Buffer[] = [];
  const read = (line: Buffer): void => search.read(line, () => messageIn(line));
  for await (const block of blocksOf(file)) {
    let from = 0;
    for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, from)) {
      const piece = block.subarray(from, end);
      read(begun.length === 0 ? piece : Buffer.concat([...begun, piece]));
      begun = [];
      from = end + 1;
    }
    // The block's bytes are overwritten with the next ones.
    if (from < block.length) begun.push(Buffer.from(block.subarray(from)));
  }
  if (begun.length > 0) read(Buffer.concat(begun));
  return search.states;
}

class Search {
  readonly states = new Map<string, KeyState>();
  readonly #wanted: Map<string, Buffer>;
  /** Told in a message that was read, and not answered by one so far. */
  readonly #told: string[] = [];

  constructor(keys: readonly string[]) {
    this.#wanted = new Map(keys.map((key) => [key, Buffer.from(key)]));
  }

  /** Every key stands in a message that was read. */
  get hasSeenAll(): boolean {
    return this.#wanted.size === 0;
  }

  /** The transcript's next message. */
  read(json: Buffer, parsed: () => Message): void {
    if (this.#told.length > 0 && json.includes(ANSWER)) {
      const verdict = verdictOf(parsed());
      if (verdict !== undefined) for (const key of this.#told) this.states.set(key, verdict);
      if (verdict === "answered") this.#told.length = 0;
    }
    for (const [key, bytes] of this.#wanted) {
      if (!json.includes(bytes)) continue;
      this.#told.push(key);
      this.#wanted.delete(key);
    }
  }
}

type Message = { role?: unknown; stopReason?: unknown; errorMessage?: unknown; content?: unknown };

/** Undefined: nobody's answer. One that was cut short is an answer once there is something of it. */
function verdictOf({ role, stopReason, errorMessage, content }: Message): KeyState | undefined {
  if (role !== "assistant") return undefined;
  if (stopReason === "error" || (isText(errorMessage) && stopReason !== "aborted")) return "failed";
  const blocks = Array.isArray(content) ? (content as { type?: unknown; text?: unknown }[]) : [{ text: content }];
  const says = blocks.some(({ type = "text", text }) => type !== "text" || isText(text));
  return says ? "answered" : undefined;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.trim() !== "";
}

/** A line that the gateway is still writing is no message yet. */
function messageIn(line: Buffer): Message {
  try {
    return (JSON.parse(line.toString()) as { message?: Message }).message ?? {};
  } catch {
    return {};
  }
}

async function* blocksOf(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(block, 0, BLOCK_BYTES);
      if (bytesRead === 0) return;
      yield block.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** In a line of JSON only a message's own role stands like this: inside a text the quotes are escaped. */
const ANSWER = Buffer.from('"role":"assistant"');
const NEWLINE = 10;
/** Some tens of microseconds of searching between two turns of the loop. */
const BLOCK_BYTES = 256 * 1024;
/** The message that begins a turn, and what is done in it, are mostly among so many. */
const OF_A_TURN = 20;
const OF_MANY = 200;
