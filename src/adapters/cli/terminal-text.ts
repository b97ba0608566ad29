/**
 * Text of models, tools and files on its way to a terminal. Such text is never trusted: an escape sequence in a file
 * name or an answer could retitle the window, write to the clipboard, or hide what really happened.
 */

/**
 * One line for a list: escape sequences and control characters gone, white space collapsed.
 * @param maxChars UTF-16 units looked at; what is beyond is dropped unread. @default 2000
 */
export function terminalLine(text: string, maxChars = 2_000): string {
  return text
    .slice(0, maxChars)
    .replace(ESCAPE_SEQUENCES, "")
    .replace(/\s+/gu, " ")
    .replace(UNPRINTABLE, "")
    .toWellFormed()
    .trim();
}

/** A whole answer: line breaks and tabs stay, escape sequences, other controls and text-direction overrides go. */
export function terminalBlock(text: string): string {
  return text.replace(ESCAPE_SEQUENCES, "").replace(/\r\n?/gu, "\n").replace(UNPRINTABLE_IN_BLOCK, "").toWellFormed();
}

/** Columns a clean line takes. Never too few; a rare narrow character may count as two. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const char of text) columns += columnsOfChar(char);
  return columns;
}

/** The clean line itself when it fits, else its start with `…` at the end. */
export function cutToColumns(text: string, columns: number): string {
  if (text.length * 2 <= columns || columnsOf(text) <= columns) return text;
  if (columns < 1) return "";
  let cut = "";
  let used = 0;
  for (const char of text) {
    used += columnsOfChar(char);
    if (used > columns - 1) break;
    cut += char;
  }
  return `${cut.trimEnd()}…`;
}

/** Cut and filled with spaces to exactly so many columns. */
export function padToColumns(text: string, columns: number): string {
  const cut = cutToColumns(text, columns);
  return cut + " ".repeat(Math.max(0, columns - columnsOf(cut)));
}

function columnsOfChar(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (MARK.test(char)) return 0;
  if (code < 0x1100) return 1;
  // Between these, punctuation, arrows and box drawing are narrow and only emoji are wide.
  if (code >= 0x1e00 && code < 0x2e80) return EMOJI.test(char) ? 2 : 1;
  return 2;
}

/**
 * CSI, then OSC/DCS/SOS/PM/APC strings up to their end (or the next escape, or the end of the text: a terminal would
 * swallow it too), then two-character escapes. Every class excludes its own terminator, so matching is linear.
 */
const ESCAPE_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|\u001b[ -/]*[0-~]?/gu;

/** Controls, invisible format characters (zero-width, text direction, tags), private use, line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu;

/** As above, but joiners, which scripts and emoji need, and private-use icons stay. */
const UNPRINTABLE_IN_BLOCK = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

const MARK = /^\p{M}$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;
