/** Searches a requester's transcript for completion keys, a block at a time: transcripts grow and the loop is shared. */

import { open, readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import type { HostConfig, HostRuntime } from "./api.ts";
import { sessionStoreSetting } from "./openclaw-package.ts";

export type TranscriptSearch = (sessionKey: string, keys: readonly string[]) => Promise<string[]>;

/** For hosts whose sessions are files. */
export function fileTranscripts(runtime: HostRuntime, config: HostConfig): TranscriptSearch {
  return async (sessionKey, keys) => {
    const file = await transcriptOf(runtime, config, sessionKey);
    return file === undefined ? [] : searchFile(file, keys);
  };
}

/** For hosts that keep sessions themselves: the newest messages are asked for. */
export function servedTranscripts(runtime: HostRuntime): TranscriptSearch {
  return async (sessionKey, keys) => {
    const { messages } = await runtime.subagent.getSessionMessages({ sessionKey, limit: NEWEST });
    const texts = messages.map((message) => JSON.stringify(message));
    return keys.filter((key) => texts.some((text) => text.includes(key)));
  };
}

async function transcriptOf(runtime: HostRuntime, config: HostConfig, sessionKey: string): Promise<string | undefined> {
  const agentId = agentOf(sessionKey);
  const storePath = runtime.agent.session.resolveStorePath(sessionStoreSetting(config), { agentId });
  const store = JSON.parse(await readFile(storePath, "utf8")) as Record<
    string,
    { sessionId?: string; sessionFile?: string } | undefined
  >;
  const entry = store[sessionKey] ?? store[sessionKey.toLowerCase()];
  if (entry?.sessionId === undefined) return undefined;
  const file = entry.sessionFile ?? `${entry.sessionId}.jsonl`;
  return isAbsolute(file) ? file : join(dirname(storePath), file);
}

/** @returns those of `keys` that stand in the file; none when it isn't there */
export async function searchFile(file: string, keys: readonly string[]): Promise<string[]> {
  const wanted = new Map(keys.map((key) => [key, Buffer.from(key)]));
  const overlap = Math.max(0, ...[...wanted.values()].map((bytes) => bytes.length - 1));
  const found: string[] = [];
  let handle;
  try {
    handle = await open(file, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  try {
    const block = Buffer.allocUnsafe(overlap + BLOCK_BYTES);
    let kept = 0;
    while (wanted.size > 0) {
      const { bytesRead } = await handle.read(block, kept, BLOCK_BYTES);
      if (bytesRead === 0) break;
      const seen = block.subarray(0, kept + bytesRead);
      for (const [key, bytes] of wanted) {
        if (!seen.includes(bytes)) continue;
        found.push(key);
        wanted.delete(key);
      }
      // A key may lie across two blocks.
      kept = Math.min(overlap, seen.length);
      seen.copy(block, 0, seen.length - kept);
    }
  } finally {
    await handle.close();
  }
  return found;
}

/** `agent:<agentId>:…`; the gateway's own default for keys of another form. */
export function agentOf(sessionKey: string): string {
  return /^agent:([^:]+):/.exec(sessionKey)?.[1] ?? "main";
}

/** Some tens of microseconds of searching between two turns of the loop. */
const BLOCK_BYTES = 256 * 1024;
const NEWEST = 200;
