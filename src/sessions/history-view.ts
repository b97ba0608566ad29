/** A transcript cut for a model's eyes: the newest messages that fit, long texts shortened, secrets taken out. No I/O. */

import { redact, redactText } from "../redact.ts";
import type { History, HistoryBlock, HistoryMessage } from "../types.ts";
import { wholeStart } from "./clip.ts";
import { messagesFromEnd, type StoredMessage } from "./transcript-format.ts";

export type HistoryView = Omit<History, "sessionKey">;

export type HistoryWindow = {
  limit: number;
  /** Of the newest messages, so many are passed over. */
  offset: number;
  includeTools: boolean;
  /** Of the messages as JSON. */
  maxBytes: number;
  /** Exact values to hide wherever they stand. */
  secrets: string[];
};

/** Reads from the end and no further than it must. */
export function viewHistory(transcript: string, window: HistoryWindow): HistoryView {
  const { limit, offset, includeTools, maxBytes, secrets } = window;
  const messages: HistoryMessage[] = [];
  const seen: Seen = { cut: false, redacted: false, secrets };
  let bytes = "[]".length;
  let passed = 0;
  let more = false;
  let dropped = false;
  for (const message of messagesFromEnd(transcript)) {
    if (!isShown(message, includeTools)) continue;
    if (passed++ < offset) continue;
    if (messages.length === limit) {
      more = true;
      break;
    }
    const before = { ...seen };
    const shown = show(message, includeTools, seen);
    const size = jsonBytes(shown) + (messages.length === 0 ? 0 : ",".length);
    if (bytes + size > maxBytes) {
      Object.assign(seen, before);
      if (messages.length > 0) {
        more = dropped = true;
        break;
      }
      seen.cut = true;
      const instead = tooLarge(shown, size);
      messages.push(instead);
      bytes += jsonBytes(instead);
      continue;
    }
    messages.push(shown);
    bytes += size;
  }
  return {
    messages: messages.reverse(),
    truncated: dropped || seen.cut,
    droppedMessages: dropped,
    contentTruncated: seen.cut,
    contentRedacted: seen.redacted,
    bytes,
    ...(more ? { nextOffset: offset + messages.length } : {}),
  };
}

/** What has been done to the messages shown. */
type Seen = { cut: boolean; redacted: boolean; secrets: string[] };

/** What is only for the model (thinking, calls when tools aren't wanted) makes no message of its own. */
function isShown(message: StoredMessage, includeTools: boolean): boolean {
  if (message.role === "toolResult") return includeTools;
  return blocksOf(message).some((block) => isShownBlock(block, includeTools));
}

function isShownBlock({ type }: Block, includeTools: boolean): boolean {
  return type === "text" || type === "image" || (includeTools && type === "toolCall");
}

function show(message: StoredMessage, includeTools: boolean, seen: Seen): HistoryMessage {
  const { role, timestamp, toolName, toolCallId, isError } = message;
  const content = blocksOf(message)
    .filter((block) => isShownBlock(block, includeTools))
    .map((block) => showBlock(block, seen));
  return {
    role,
    content,
    ...(typeof timestamp === "number" ? { timestamp } : {}),
    ...(typeof toolName === "string" ? { toolName: wholeStart(toolName, NAME_CHARS) } : {}),
    ...(typeof toolCallId === "string" ? { toolCallId: wholeStart(toolCallId, NAME_CHARS) } : {}),
    ...(typeof isError === "boolean" ? { isError } : {}),
  };
}

type Block = Record<string, unknown>;

function blocksOf({ content }: StoredMessage): Block[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content.filter((block): block is Block => typeof block === "object" && block !== null);
}

function showBlock(block: Block, seen: Seen): HistoryBlock {
  if (block["type"] === "image") return { type: "image", omitted: true };
  if (block["type"] === "text") {
    const said = textIn(block, "text");
    const clean = redactText(said, seen.secrets);
    if (clean !== said) seen.redacted = true;
    return { type: "text", text: cut(clean, seen) };
  }
  const given = block["arguments"] ?? {};
  const clean = JSON.stringify(redact(given, seen.secrets));
  if (clean !== JSON.stringify(given)) seen.redacted = true;
  const [id, name] = [textIn(block, "id"), textIn(block, "name")].map((text) => wholeStart(text, NAME_CHARS));
  return { type: "toolCall", id: id!, name: name!, arguments: cut(clean, seen) };
}

function textIn(block: Block, key: string): string {
  const value = block[key];
  return typeof value === "string" ? value : "";
}

/** Never longer than a block may be, what is said of the cut included. */
function cut(text: string, seen: Seen): string {
  if (text.length <= BLOCK_CHARS) return text;
  seen.cut = true;
  const kept = wholeStart(text, BLOCK_CHARS - CUT_NOTE_CHARS);
  return `${kept}\n…(${text.length - kept.length} characters more)`;
}

function tooLarge({ role, timestamp }: HistoryMessage, bytes: number): HistoryMessage {
  const text = `(left out: this message alone takes ${bytes} bytes)`;
  return { role, content: [{ type: "text", text }], ...(timestamp === undefined ? {} : { timestamp }) };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

export const BLOCK_CHARS = 4000;
const CUT_NOTE_CHARS = 40;
const NAME_CHARS = 200;
