/** Reads what tests look at in a Markdown file: commands, tables, links, anchors. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

/** A file of the repository. A checkout on Windows may have other line ends. */
export function readDoc(path: string): string {
  return readFileSync(join(ROOT, path), "utf8").replaceAll("\r\n", "\n");
}

/** Every command a reader may copy: lines of shell blocks, and code in a sentence that begins as a command does. Each once. */
export function commandsIn(markdown: string): string[] {
  const { blocks, prose } = parts(markdown);
  const lines = blocks
    .filter(({ language }) => SHELLS.has(language))
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const spans = codeIn(prose).filter((code) => /^(openclaw-inprocess|npm|npx|node) \S/.test(code));
  // A line of npm commands is as many commands; any other line is the shell's own business.
  return [...new Set([...lines, ...spans].flatMap((line) => (/^npm\b/.test(line) ? line.split(" && ") : [line])))];
}

/** The cells of the table with this header, a row each, without the space around them. Empty when there is no such table. */
export function tableIn(markdown: string, header: readonly string[]): string[][] {
  const lines = markdown.split("\n").map(cellsOf);
  const start = lines.findIndex((cells) => cells.join("|") === header.join("|"));
  if (start === -1) return [];
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((cells) => cells.length === 0);
  return rest.slice(0, end === -1 ? undefined : end);
}

/** Targets of links and pictures that lead into the repository, as they are written. */
export function relativeLinksIn(markdown: string): string[] {
  const { prose } = parts(markdown);
  const targets = [
    ...prose.replaceAll(/`[^`\n]*`/g, "").matchAll(/\]\(\s*<?([^)\s>]+)|^\[[^\]]+\]:\s*<?([^\s>]+)/gm),
  ].map((match) => match[1] ?? match[2]!);
  return targets.filter((target) => !/^([a-z][a-z\d+.-]*:|\/\/)/i.test(target));
}

/** What can stand after `#` in a link to this file. */
export function anchorsIn(markdown: string): string[] {
  return [...parts(markdown).prose.matchAll(/^#{1,6} (.+)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

/** Texts between backticks. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
}

function cellsOf(line: string): string[] {
  if (!line.startsWith("|")) return [];
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Code blocks, and the text without them. */
function parts(markdown: string): { blocks: { language: string; text: string }[]; prose: string } {
  const blocks: { language: string; text: string }[] = [];
  const prose = markdown.replaceAll(
    /^ *(```+|~~~+)([^\n`]*)\n([^]*?)^ *\1 *$/gm,
    (_all, _fence, info: string, text: string) => {
      blocks.push({ language: info.trim().split(/\s/)[0]!.toLowerCase(), text });
      return "";
    },
  );
  return { blocks, prose };
}

const SHELLS: ReadonlySet<string> = new Set(
  "sh bash zsh fish shell console shell-session powershell ps1 cmd bat".split(" "),
);
