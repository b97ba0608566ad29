/**
 * A session's transcript file: JSON lines in pi's session format, version 3. The first line is the header; each entry
 * after it has an 8-digit hex id and its parent's, so that pi's own tools can read the file. Formats only: no I/O.
 */

import { randomBytes } from "node:crypto";

export type SessionHeader = { type: "session"; version: 3; id: string; timestamp: string; cwd: string };

/** pi's `Message`; opaque here. */
export type StoredMessage = { role: "user" | "assistant" | "toolResult"; timestamp: number } & Record<string, unknown>;

export type MessageEntry = {
  type: "message";
  id: string;
  parentId: string | null;
  timestamp: string;
  message: StoredMessage;
};

export function headerLine(sessionId: string, cwd: string): string {
  const header: SessionHeader = {
    type: "session",
    version: 3,
    id: sessionId,
    timestamp: new Date().toISOString(),
    cwd,
  };
  return `${JSON.stringify(header)}\n`;
}

export function messageLine(message: StoredMessage, parentId: string | null): { id: string; line: string } {
  const id = randomBytes(4).toString("hex");
  const entry: MessageEntry = {
    type: "message",
    id,
    parentId,
    timestamp: new Date(message.timestamp).toISOString(),
    message,
  };
  return { id, line: `${JSON.stringify(entry)}\n` };
}

/**
 * The messages of a transcript, oldest first, and the id the next entry hangs from.
 * A last line that was cut off by a crash is left out (`torn`), as are entries of kinds we don't write.
 * @throws SyntaxError when a line before the last isn't JSON
 */
export function parseTranscript(text: string): { messages: StoredMessage[]; lastId: string | null; torn: boolean } {
  const lines = text.split("\n");
  const messages: StoredMessage[] = [];
  let lastId: string | null = null;
  let torn = false;
  lines.forEach((line, index) => {
    if (line.trim() === "") return;
    let entry: { type?: unknown; id?: unknown; message?: unknown };
    try {
      entry = JSON.parse(line) as typeof entry;
    } catch (error) {
      if (index < lines.length - 1) throw error;
      torn = true;
      return;
    }
    if (entry.type === "session") return;
    if (typeof entry.id === "string") lastId = entry.id;
    if (entry.type === "message" && isMessage(entry.message)) messages.push(entry.message);
  });
  return { messages, lastId, torn };
}

/**
 * The messages a model would be shown if the session went on: those on the way from the last entry back to the first,
 * and of what was compacted, or left for another branch, the summary. Files of OpenClaw's own sessions have such entries.
 * What isn't a whole entry, or no whole message, is passed over: whoever wrote the file, it is only read here.
 */
export function branchOf(text: string): StoredMessage[] {
  const entries = new Map<string, Entry>();
  let last: Entry | undefined;
  for (const line of text.split("\n")) {
    const entry = entryOfLine(line);
    // The header has an id as well, and no entry hangs from it.
    if (typeof entry?.id !== "string") continue;
    entries.set(entry.id, entry);
    last = entry;
  }
  const branch: Entry[] = [];
  for (let entry = last; entry !== undefined; entry = entries.get(entry.parentId ?? "")) {
    // Each once, though a damaged file may hang entries from one another.
    if (!entries.delete(entry.id)) break;
    branch.unshift(entry);
  }
  const compaction = branch.findLast(({ type }) => type === "compaction");
  if (compaction === undefined) return branch.flatMap(messagesOfEntry);
  const at = branch.indexOf(compaction);
  const before = branch.slice(0, at);
  const kept = before.findIndex(({ id }) => id === compaction.firstKeptEntryId);
  return [compaction, ...(kept < 0 ? [] : before.slice(kept)), ...branch.slice(at + 1)].flatMap(messagesOfEntry);
}

function entryOfLine(line: string): Entry | undefined {
  try {
    return (JSON.parse(line) as Entry | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** As far as a copy of it can be written, and a model be told of it. */
function isWhole({ timestamp, content }: StoredMessage): boolean {
  if (!Number.isFinite(timestamp) || Math.abs(timestamp) > LAST_TIME) return false;
  return typeof content === "string" || (Array.isArray(content) && content.every(isBlock));
}

function isBlock(block: unknown): boolean {
  return typeof block === "object" && block !== null;
}

/** The last one that a Date can hold. */
const LAST_TIME = 8.64e15;

type Entry = {
  type: unknown;
  id: string;
  parentId?: string | null;
  timestamp?: string;
  message?: unknown;
  summary?: unknown;
  firstKeptEntryId?: unknown;
};

function messagesOfEntry({ type, message, summary, timestamp }: Entry): StoredMessage[] {
  if (type === "message") return isMessage(message) && isWhole(message) ? [message] : [];
  if ((type !== "compaction" && type !== "branch_summary") || typeof summary !== "string") return [];
  const at = Date.parse(String(timestamp));
  const content = [{ type: "text", text: `[Summary of what was said before]\n${summary}` }];
  return [{ role: "user", content, timestamp: Number.isNaN(at) ? 0 : at }];
}

/** The same messages, newest first, as they are asked for; what isn't a whole line of a message is passed over. */
export function* messagesFromEnd(text: string): Generator<StoredMessage> {
  for (let end = text.length; end > 0;) {
    const start = text.lastIndexOf("\n", end - 1) + 1;
    const message = messageOfLine(text.slice(start, end));
    if (message !== undefined) yield message;
    end = start - 1;
  }
}

function messageOfLine(line: string): StoredMessage | undefined {
  try {
    const entry = JSON.parse(line) as { type?: unknown; message?: unknown } | null;
    return entry?.type === "message" && isMessage(entry.message) ? entry.message : undefined;
  } catch {
    return undefined;
  }
}

function isMessage(value: unknown): value is StoredMessage {
  const role = (value as { role?: unknown } | null)?.role;
  return role === "user" || role === "assistant" || role === "toolResult";
}
