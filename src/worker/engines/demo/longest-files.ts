/** Job: the longest source files. Each file's line count is what `read` says of it. */

import { caveats, countOf, scanTree, type Tree } from "./scan-tree.ts";
import { ask, read, type Script } from "./script.ts";
import { failuresOf, fileOf } from "./tool-text.ts";
import { isBinary, isCode } from "./file-kinds.ts";

export function* longestFiles(): Script {
  const tree = yield* scanTree();
  if (tree.files.length === 0) return [nothingThere(tree), ...caveats(tree)].join("\n");
  const code = tree.files.filter(isCode);
  const measurable = code.length > 0 ? code : tree.files.filter((path) => !isBinary(path));
  const measured: { path: string; lines: number }[] = [];
  const failures: string[] = [];
  for (let at = 0; at < Math.min(measurable.length, MOST_FILES); at += BATCH) {
    const batch = measurable.slice(at, Math.min(at + BATCH, MOST_FILES));
    const replies = yield* ask(
      `Measuring ${countOf(batch.length, "file")}.`,
      batch.map((path) => read(path, 1)),
    );
    for (const [index, reply] of replies.entries()) {
      const path = batch[index] ?? "";
      const lines = reply.isError ? undefined : fileOf(path, reply.text).totalLines;
      if (lines !== undefined) measured.push({ path, lines });
      else if (!reply.isError) failures.push(`${path}: too large for its lines to be counted`);
    }
    failures.push(...failuresOf(batch, replies));
  }
  measured.sort((a, b) => b.lines - a.lines || (a.path < b.path ? -1 : 1));
  return [
    summary(tree, code.length, measurable.length, measured.length),
    ...measured.slice(0, SHOWN).map(({ path, lines }, index) => `${index + 1}. ${path}: ${countOf(lines, "line")}`),
    "",
    ...caveats(tree),
    ...(failures.length > 0 ? [`Could not be measured: ${failures.join("; ")}.`] : []),
  ]
    .join("\n")
    .trim();
}

function summary(tree: Tree, code: number, measurable: number, measured: number): string {
  const seen = `${countOf(tree.files.length, "file", tree.cut)} seen`;
  const kind =
    code > 0
      ? `${code} of them source files`
      : `none of them source files, so ${countOf(measurable, "text file")} stand in`;
  const how = measured === measurable ? "all measured" : `${measured} of ${measurable} measured`;
  return `${seen}, ${kind}, ${how}. The longest:`;
}

function nothingThere(tree: Tree): string {
  return tree.failures.length > 0 ? "No file could be seen." : "There are no files in the workspace.";
}

const BATCH = 60;
const MOST_FILES = 600;
const SHOWN = 5;
