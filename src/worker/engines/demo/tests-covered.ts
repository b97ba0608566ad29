/** Job: what the tests cover, told by where they lie and by their titles. */

import { isCode, isInTestFolder, isTestName } from "./file-kinds.ts";
import { caveats, countOf, dirname, globOf, scanTree, type Tree } from "./scan-tree.ts";
import { ask, search, SEARCH_LIMIT, type Script, type ToolReply } from "./script.ts";
import { failuresOf, matchesOf } from "./tool-text.ts";

type Folder = { files: number; titles: string[]; tests: number; groups: number };

export function* testsCovered(): Script {
  const tree = yield* scanTree();
  const files = testFilesOf(tree);
  if (files.length === 0) return [noTests(tree), ...caveats(tree)].join("\n");
  const globs = globsFor(files);
  const replies = yield* ask(
    `Reading the titles of ${countOf(files.length, "test file")}.`,
    globs.map((glob) => search(TITLES, glob)),
  );
  const { folders, cut } = fold(files, replies);
  const all = [...folders.values()];
  const tests = countOf(sum(all, "tests"), "test", cut);
  const shown = [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, SHOWN);
  const failures = failuresOf(globs, replies);
  return [
    `${countOf(files.length, "test file", tree.cut)} with ${tests}${inGroups(sum(all, "groups"))}, by folder:`,
    ...shown.map(([dir, folder]) => line(dir, folder)),
    ...(folders.size > SHOWN ? [`- and ${countOf(folders.size - SHOWN, "more folder")}`] : []),
    "",
    ...caveats(tree),
    ...(cut ? ["A search was cut short, so the numbers of tests are lower bounds."] : []),
    ...(failures.length > 0 ? [`Could not be searched: ${failures.join("; ")}.`] : []),
  ]
    .join("\n")
    .trim();
}

/** Named like tests; where nothing is, the code in test folders. */
function testFilesOf({ files }: Tree): string[] {
  const named = files.filter(isTestName);
  return named.length > 0 ? named : files.filter((path) => isCode(path) && isInTestFolder(path));
}

/** One search a folder, or a top-level folder where that would be too many; files at the top by their own names. */
function globsFor(files: string[]): string[] {
  const dirs = [...new Set(files.map(dirname))].filter((dir) => dir !== "");
  const tops = [...new Set(dirs.map((dir) => dir.split("/")[0] ?? ""))];
  const below =
    dirs.length <= MOST_SEARCHES ? dirs.map((dir) => `${globOf(dir)}/*`) : tops.map((dir) => `${globOf(dir)}/**/*`);
  const atTop = files.filter((path) => !path.includes("/")).map(globOf);
  return [...below, ...atTop.slice(0, MOST_SEARCHES)];
}

function fold(files: string[], replies: ToolReply[]): { folders: Map<string, Folder>; cut: boolean } {
  const folders = new Map<string, Folder>();
  for (const path of files) folderOf(folders, path).files += 1;
  const known = new Set(files);
  let cut = false;
  const seen = new Set<string>();
  for (const reply of replies) {
    if (reply.isError) continue;
    const found = matchesOf(reply.text);
    cut ||= found.cut || found.matches.length >= SEARCH_LIMIT;
    for (const { path, text, line } of found.matches) {
      const key = `${path}:${line}`;
      if (!known.has(path) || seen.has(key)) continue;
      seen.add(key);
      count(folderOf(folders, path), text);
    }
  }
  return { folders, cut };
}

function count(folder: Folder, text: string): void {
  if (/^\s*(describe|context)\b/.test(text)) {
    folder.groups += 1;
    return;
  }
  folder.tests += 1;
  const title = titleIn(text);
  if (title !== undefined) folder.titles.push(title);
}

/** Undefined when the title stands on another line. */
function titleIn(text: string): string | undefined {
  // What the first brackets of `it.each` hold is a table.
  const call = text.includes(".each") ? text.slice(text.indexOf(")(") + 1 || text.length) : text;
  return /(["'`])((?:\\.|(?!\1).)+)\1/.exec(call)?.[2] ?? /\b(?:def|func)\s+(\w+)/.exec(text)?.[1];
}

function folderOf(folders: Map<string, Folder>, path: string): Folder {
  const dir = dirname(path);
  const folder = folders.get(dir) ?? { files: 0, titles: [], tests: 0, groups: 0 };
  folders.set(dir, folder);
  return folder;
}

function line(dir: string, { files, titles, tests }: Folder): string {
  const examples = titles.slice(0, EXAMPLES).map((title) => `"${title.slice(0, 100)}"`);
  const told = examples.length > 0 ? `, e.g. ${examples.join(", ")}` : "";
  return `- ${dir === "" ? "(top)" : `${dir}/`}: ${countOf(files, "test file")}, ${countOf(tests, "test")}${told}`;
}

function inGroups(groups: number): string {
  return groups > 0 ? ` in ${countOf(groups, "group")}` : "";
}

function noTests(tree: Tree): string {
  if (tree.files.length === 0 && tree.failures.length > 0)
    return "No file could be seen, so nothing can be said of tests.";
  return `There are no tests to be seen: of ${countOf(tree.files.length, "file", tree.cut)}, none is named like a test, and none lies in a test folder.`;
}

function sum(folders: Folder[], key: "tests" | "groups"): number {
  return folders.reduce((total, folder) => total + folder[key], 0);
}

/** Lines that begin a test or a group of tests: JavaScript and its kin, Python, Go, Ruby. */
const TITLES = String.raw`^\s*(it|test|describe|context)(\.\w+)?( ["']|[(<])|^\s*(async )?def test_|^func Test`;
const MOST_SEARCHES = 30;
const SHOWN = 14;
const EXAMPLES = 2;
