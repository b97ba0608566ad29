/** Exact replacements in a text, kept in the text's own line ends. Pure. */

import { InprocessError } from "../../errors.ts";

export type Edit = { oldText: string; newText: string };

/**
 * Each `oldText` must be in `text` exactly once; all are looked up in the text as it came and may not overlap.
 * Line ends of an edit don't matter: they are taken as the file has them.
 * @throws InprocessError naming `path`, what doesn't match, and the lines where it matches more than once
 */
export function applyEdits(text: string, edits: readonly Edit[], path: string): { text: string; firstLine: number } {
  const eol = lineEndOf(text);
  const places = edits.map((edit) => placeOf(text, edit, eol, path)).sort((a, b) => a.start - b.start);
  let result = "";
  let done = 0;
  for (const place of places) {
    if (place.start < done)
      throw new InprocessError("tool_error", `edit: two of the edits of ${path} overlap; join them.`);
    result += text.slice(done, place.start) + place.newText;
    done = place.end;
  }
  return { text: result + text.slice(done), firstLine: lineAt(text, places[0]?.start ?? 0) };
}

/** `mixed`: no line end can be called the file's own, so edits are taken as they are. */
function lineEndOf(text: string): "\n" | "\r\n" | "mixed" {
  if (!text.includes("\r\n")) return "\n";
  return /(?<!\r)\n/.test(text) ? "mixed" : "\r\n";
}

function placeOf(text: string, edit: Edit, eol: ReturnType<typeof lineEndOf>, path: string) {
  if (edit.oldText === "")
    throw new InprocessError("params_invalid", `edit needs an oldText that isn't empty, for ${path}.`);
  const adapt = (part: string) => (eol === "mixed" ? part : part.replace(/\r?\n/g, eol));
  const oldText = adapt(edit.oldText);
  const newText = adapt(edit.newText);
  const found = occurrences(text, oldText);
  if (found.length === 0) {
    throw new InprocessError(
      "tool_error",
      `edit: this oldText isn't in ${path}: ${JSON.stringify(excerpt(edit.oldText))}; read the file and copy it exactly.`,
    );
  }
  if (found.length > 1) {
    const lines = found.map((start) => lineAt(text, start)).join(", ");
    throw new InprocessError(
      "tool_error",
      `edit: this oldText is in ${path} more than once (lines ${lines}): ${JSON.stringify(excerpt(edit.oldText))}; add lines around it.`,
    );
  }
  if (oldText === newText) {
    throw new InprocessError("tool_error", `edit: oldText and newText for ${path} are the same, nothing would change.`);
  }
  const start = found[0] ?? 0;
  return { start, end: start + oldText.length, newText };
}

/** The first few places, overlapping ones too: more than one is an error anyway. */
function occurrences(text: string, part: string): number[] {
  const found: number[] = [];
  let at = text.indexOf(part);
  while (at !== -1 && found.length < MAX_PLACES) {
    found.push(at);
    at = text.indexOf(part, at + 1);
  }
  return found;
}

function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < position; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const MAX_PLACES = 5;
