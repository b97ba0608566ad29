/** The last thing a session said, from the end of its transcript: enough for a report, and small however long it is. */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isSilent } from "../announce/spoken-answer.ts";
import { parseTranscript } from "../sessions/transcript-format.ts";

/**
 * Empty when nothing was said in the last 64 KiB, or when the file can't be read. An answer that only says that nothing
 * changes (`NO_REPLY`) leaves the one before it standing. What stands before the session's own
 * task was said in the session it was branched from.
 */
export function lastTextIn(transcriptPath: string): string {
  try {
    const { messages } = parseTranscript(wholeLines(tailOf(transcriptPath)));
    const own = messages.slice(messages.findLastIndex(opensTask) + 1);
    return own.map(visibleText).findLast((text) => text !== "" && !isSilent(text)) ?? "";
  } catch {
    return "";
  }
}

function opensTask({ role, content }: { role: string; content?: unknown }): boolean {
  if (role !== "user") return false;
  const text = Array.isArray(content) ? (content as { text?: unknown }[])[0]?.text : content;
  return typeof text === "string" && text.includes("\n[Subagent Task]\n");
}

function tailOf(path: string): { text: string; isWhole: boolean } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - TAIL_BYTES);
    const buffer = Buffer.alloc(size - start);
    const bytes = readSync(file, buffer, 0, buffer.length, start);
    return { text: buffer.toString("utf8", 0, bytes), isWhole: start === 0 };
  } finally {
    closeSync(file);
  }
}

function wholeLines({ text, isWhole }: { text: string; isWhole: boolean }): string {
  return isWhole ? text : text.slice(text.indexOf("\n") + 1);
}

function visibleText(message: { role: string; content?: unknown }): string {
  if (message.role !== "assistant" || !Array.isArray(message.content)) return "";
  return (message.content as { type?: unknown; text?: unknown }[])
    .flatMap((block) => (block.type === "text" && typeof block.text === "string" ? [block.text] : []))
    .join("\n")
    .trim();
}

const TAIL_BYTES = 64 * 1024;
