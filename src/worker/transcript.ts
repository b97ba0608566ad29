/** A session's transcript on disk. The run's thread is its only writer; every message is appended as it is said. */

import { mkdir, open, readFile, truncate, type FileHandle } from "node:fs/promises";
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
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const before = await readIfThere(path);
  const { messages, lastId, torn } = parseTranscript(before);
  const kept = torn ? before.slice(0, before.lastIndexOf("\n") + 1) : before;
  if (torn) await truncate(path, Buffer.byteLength(kept));
  const file = await open(path, "a", 0o600);
  if (kept === "") await file.appendFile(headerLine(session.id, session.cwd));
  // Cut off between a line and its end.
  else if (!kept.endsWith("\n")) await file.appendFile("\n");
  const transcript = new TranscriptFile(file, messages, lastId);
  for (const result of interruptedCalls(messages)) await transcript.append(result);
  return transcript;
}

class TranscriptFile implements OpenTranscript {
  readonly messages: TranscriptMessage[];
  readonly #file: FileHandle;
  #lastId: string | null;
  #writes: Promise<unknown> = Promise.resolve();

  constructor(file: FileHandle, messages: TranscriptMessage[], lastId: string | null) {
    this.#file = file;
    this.messages = messages;
    this.#lastId = lastId;
  }

  append(message: TranscriptMessage): Promise<void> {
    const { id, line } = messageLine(message, this.#lastId);
    this.#lastId = id;
    this.messages.push(message);
    const written = this.#writes.then(() => this.#file.appendFile(line));
    this.#writes = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#writes;
    await this.#file.close();
  }
}

/** Results for tool calls that have none, because the thread ended in their midst. */
function interruptedCalls(messages: readonly TranscriptMessage[]): TranscriptMessage[] {
  const answered = new Set(messages.filter((m) => m.role === "toolResult").map((m) => m.toolCallId));
  return messages
    .filter((m) => m.role === "assistant" && Array.isArray(m.content))
    .flatMap((m) => m.content as { type: string; id: string; name: string }[])
    .filter((block) => block.type === "toolCall" && !answered.has(block.id))
    .map((call) => ({
      role: "toolResult" as const,
      toolCallId: call.id,
      toolName: call.name,
      content: [{ type: "text", text: INTERRUPTED }],
      isError: true,
      timestamp: Date.now(),
    }));
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

const INTERRUPTED =
  "This call was interrupted: its thread ended before it returned. Whether it had an effect is unknown; look before you repeat it.";
