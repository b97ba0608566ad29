/**
 * A session's transcript on disk. The run's thread is its only writer; every message is appended as it is said.
 * Synchronous: a small write takes a few microseconds here, the way through Node's thread pool a hundred and more.
 */

import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { InprocessError, messageOf } from "../errors.ts";
import { headerLine, messageLine, parseTranscript } from "../sessions/transcript-format.ts";
import type { Transcript, TranscriptMessage } from "./engine.ts";

export type OpenTranscript = Transcript & { close(): Promise<void> };

/**
 * Opens a transcript, or makes it (folder 0700, file 0600). Tool calls that were cut off are answered as interrupted,
 * so that the model is told, and nothing is repeated by us.
 * @throws InprocessError `transcript_unusable`
 */
export async function openTranscript(path: string, session: { id: string; cwd: string }): Promise<OpenTranscript> {
  try {
    return await openFile(path, session);
  } catch (error) {
    throw new InprocessError("transcript_unusable", `The transcript ${path} can't be used: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

async function openFile(path: string, session: { id: string; cwd: string }): Promise<OpenTranscript> {
  const { before, file } = openOrMake(path);
  const { messages, lastId, torn } = parseTranscript(before);
  const kept = torn ? before.slice(0, before.lastIndexOf("\n") + 1) : before;
  if (torn) truncateSync(path, Buffer.byteLength(kept));
  const transcript = new TranscriptFile(file, messages, lastId);
  if (kept === "") transcript.write(headerLine(session.id, session.cwd));
  // Cut off between a line and its end.
  else if (!kept.endsWith("\n")) transcript.write("\n");
  for (const result of unanswered(messages, INTERRUPTED)) await transcript.append(result);
  return transcript;
}

/** A new one is the rule, and then nothing has to be read. */
function openOrMake(path: string): { before: string; file: number } {
  try {
    return { before: "", file: openSync(path, "ax", 0o600) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return { before: readFileSync(path, "utf8"), file: openSync(path, "a", 0o600) };
    if (code !== "ENOENT") throw error;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return { before: "", file: openSync(path, "ax", 0o600) };
  }
}

class TranscriptFile implements OpenTranscript {
  readonly messages: TranscriptMessage[];
  readonly #file: number;
  #lastId: string | null;

  constructor(file: number, messages: TranscriptMessage[], lastId: string | null) {
    this.#file = file;
    this.messages = messages;
    this.#lastId = lastId;
  }

  async append(message: TranscriptMessage): Promise<void> {
    const { id, line } = messageLine(message, this.#lastId);
    this.#lastId = id;
    this.messages.push(message);
    this.write(line);
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at);
  }

  async close(): Promise<void> {
    closeSync(this.#file);
  }
}

/** Results for tool calls that have none. @param text what the model is told of each */
export function unanswered(messages: readonly TranscriptMessage[], text: string): TranscriptMessage[] {
  const answered = new Set(messages.filter((m) => m.role === "toolResult").map((m) => m.toolCallId));
  return messages
    .filter((m) => m.role === "assistant" && Array.isArray(m.content))
    .flatMap((m) => m.content as { type: string; id: string; name: string }[])
    .filter((block) => block.type === "toolCall" && !answered.has(block.id))
    .map((call) => ({
      role: "toolResult" as const,
      toolCallId: call.id,
      toolName: call.name,
      content: [{ type: "text", text }],
      isError: true,
      timestamp: Date.now(),
    }));
}

/** The thread ended in their midst. */
const INTERRUPTED =
  "This call was interrupted: its thread ended before it returned. Whether it had an effect is unknown; look before you repeat it.";
