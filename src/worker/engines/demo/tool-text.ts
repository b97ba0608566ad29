/** What the file tools' results say, read line by line. */

import type { ToolReply } from "./script.ts";

/** `list`: one entry a line, folders with a slash at the end. */
export function entriesOf(text: string): { dirs: string[]; files: string[]; cut: boolean } {
  const { lines, cut } = linesOf(text);
  return {
    dirs: lines.filter((line) => line.endsWith("/")).map((line) => line.slice(0, -1)),
    files: lines.filter((line) => !line.endsWith("/")),
    cut,
  };
}

/** `find`: one path a line. */
export function pathsOf(text: string): { paths: string[]; cut: boolean } {
  const { lines, cut } = linesOf(text);
  return { paths: lines.filter((line) => !line.endsWith("/")).map((line) => line.replace(/^\.\//, "")), cut };
}

/** `search`: `path:line: text`. */
export function matchesOf(text: string): { matches: { path: string; line: number; text: string }[]; cut: boolean } {
  const { lines, cut } = linesOf(text);
  const matches = lines.flatMap((line) => {
    const parts = /^(.+?):(\d+): ?(.*)$/.exec(line);
    return parts ? [{ path: parts[1] ?? "", line: Number(parts[2]), text: parts[3] ?? "" }] : [];
  });
  return { matches, cut };
}

/** `read`: the text it returned, and how many lines the whole file has; undefined when the tool didn't count them. */
export function fileOf(path: string, output: string): { text: string; totalLines: number | undefined } {
  if (output === "" || output === `[${path} is empty]`) return { text: "", totalLines: 0 };
  if (output === "[one empty line]") return { text: "", totalLines: 1 };
  const range = /\n\[lines \d+-\d+ of (?:(\d+)|[^\]\n]*)\]$/.exec(output.trimEnd());
  const text = (range ? output.slice(0, range.index) : output).replace(
    /\n\[(go on with|line \d+ is too long)[^\n]*\]$/,
    "",
  );
  if (range) return { text, totalLines: range[1] === undefined ? undefined : Number(range[1]) };
  return { text, totalLines: text.replace(/\n$/, "").split("\n").length };
}

/** A tool's error as one sentence without its full stop. */
export function sentence(text: string): string {
  return text.replace(/\s+/g, " ").slice(0, 200).trim().replace(/\.$/, "") || "no reason was given";
}

/** The calls that failed, each told with its subject; alike ones together. */
export function failuresOf(subjects: string[], replies: ToolReply[]): string[] {
  const bySentence = new Map<string, string[]>();
  for (const [index, reply] of replies.entries()) {
    if (!reply.isError) continue;
    const why = sentence(reply.text);
    bySentence.set(why, [...(bySentence.get(why) ?? []), subjects[index] ?? "?"]);
  }
  return [...bySentence].map(([why, whom]) => `${few(whom)}: ${why}`);
}

/** The first five, and how many more there are. */
export function few(names: string[], shown = 5): string {
  const more = names.length - shown;
  return more > 0 ? `${names.slice(0, shown).join(", ")} and ${more} more` : names.join(", ");
}

/** Lines of a listing, without what the tool adds below when it has cut one short or has nothing to show. */
function linesOf(text: string): { lines: string[]; cut: boolean } {
  const all = text.split(/\r?\n/).filter((line) => line !== "");
  const end = all.findLastIndex((line) => !/^(\[.* .*\]|\(.* .*\))$/.test(line)) + 1;
  // Lines that were cut are all there.
  const notes = all.slice(end).filter((note) => !/^\[\d+ long lines? cut/.test(note));
  return { lines: all.slice(0, end), cut: end > 0 && notes.length > 0 };
}
