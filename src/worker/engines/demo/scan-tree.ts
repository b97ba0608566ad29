/** The tree a job works on: the top of it, and every file that `find` shows. */

import { ask, find, FIND_LIMIT, list, type Part, type ToolReply } from "./script.ts";
import { entriesOf, failuresOf, few, pathsOf } from "./tool-text.ts";

export type Tree = {
  /** Top-level folders that were looked into. */
  dirs: string[];
  /** Every file at the top and that `find` shows below, `/`-separated from the workspace, sorted. */
  files: string[];
  /** Top-level folders that weren't looked into: dependencies, build output, version control. */
  leftOut: string[];
  /** A tool cut its list short, so that counts are lower bounds. */
  cut: boolean;
  /** What went wrong, as phrases. */
  failures: string[];
};

export function* scanTree(): Part<Tree> {
  const [top, whole] = yield* ask("Looking at the workspace.", [list(), find("**/*")]);
  if (top === undefined || whole === undefined || top.isError) {
    const failures = failuresOf(["the workspace"], top ? [top] : []);
    return { dirs: [], files: [], leftOut: [], cut: false, failures };
  }
  const entries = entriesOf(top.text);
  const dirs = entries.dirs.filter((dir) => !LEFT_OUT.has(dir));
  // One list doesn't hold a large tree; a list for each folder holds more of it.
  const parts = whole.isError || wasCut(whole) ? dirs : [];
  const found = yield* ask(
    `Looking into ${few(parts)}.`,
    parts.map((dir) => find(`${globOf(dir)}/**/*`)),
  );
  const paths = [whole, ...found].flatMap((reply) => (reply.isError ? [] : pathsOf(reply.text).paths));
  return {
    dirs,
    files: [...new Set([...entries.files, ...paths])].filter((path) => !inLeftOut(path)).sort(),
    leftOut: entries.dirs.filter((dir) => LEFT_OUT.has(dir)),
    cut: entries.cut || found.some((reply) => reply.isError || wasCut(reply)),
    failures: failuresOf(
      parts.map((dir) => `${dir}/`),
      found,
    ),
  };
}

function wasCut(reply: ToolReply): boolean {
  if (reply.isError) return false;
  const { paths, cut } = pathsOf(reply.text);
  return cut || paths.length >= FIND_LIMIT;
}

/** `12 files`, `1 file`, `at least 2,000 files`. */
export function countOf(count: number, noun: string, cut = false): string {
  return `${cut ? "at least " : ""}${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** What a reader has to know of the numbers; empty when there is nothing. */
export function caveats({ leftOut, cut, failures }: Tree): string[] {
  const lines: string[] = [];
  if (leftOut.length > 0)
    lines.push(
      `Not looked into: ${few(
        leftOut.map((dir) => `${dir}/`),
        8,
      )}.`,
    );
  if (cut) lines.push("Not every list was whole, so the numbers are lower bounds.");
  if (failures.length > 0) lines.push(`Could not be listed: ${failures.join("; ")}.`);
  return lines;
}

export function dirname(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** Signs with a meaning in globs stand for any one character; what is caught too much is dropped by its path. */
export function globOf(path: string): string {
  return path.replace(/[*?[\]{}()!+@,\\]/g, "?");
}

function inLeftOut(path: string): boolean {
  return path
    .split("/")
    .slice(0, -1)
    .some((part) => LEFT_OUT.has(part));
}

const LEFT_OUT = new Set(
  "node_modules .git .hg .svn dist coverage target vendor __pycache__ .venv venv .cache .tox .next .turbo .idea .vscode".split(
    " ",
  ),
);
