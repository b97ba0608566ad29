/** Job: what the top-level and source folders are for, in the words of the files in them. */

import { isCode, isInTestFolder } from "./file-kinds.ts";
import { leadingSentence } from "./leading-comment.ts";
import { caveats, countOf, dirname, scanTree, type Tree } from "./scan-tree.ts";
import { ask, list, read, type Script, type ToolReply } from "./script.ts";
import { entriesOf, failuresOf, few, fileOf } from "./tool-text.ts";

export function* folders(): Script {
  const tree = yield* scanTree();
  if (tree.dirs.length === 0) return [flat(tree), ...caveats(tree)].join("\n");
  const sources = sourceDirs(tree);
  const bare = tree.dirs.filter((dir) => below(tree, dir).length === 0);
  const listed = [...new Set([...sources, ...bare])].slice(0, TOP_SHOWN);
  const replies = yield* ask(
    `Looking into ${few(listed)}.`,
    listed.map((dir) => list(dir)),
  );
  const listings = new Map(listed.map((dir, index) => [dir, namesIn(replies[index])]));
  const subs = sources.flatMap((dir) =>
    (listings.get(dir) ?? []).filter(isDir).map((name) => `${dir}/${name.slice(0, -1)}`),
  );
  const top = [...new Set([...sources, ...tree.dirs])].slice(0, TOP_SHOWN);
  const shown = [...top, ...subs.slice(0, SUB_SHOWN)].sort(byTree);
  const heads = shown.flatMap((dir) => candidates(tree, dir));
  const texts = yield* ask(
    "Reading what their files say first.",
    heads.map((path) => read(path, HEAD_LINES)),
  );
  const said = sayings(heads, texts);
  const failures = failuresOf([...listed, ...heads], [...replies, ...texts]);
  return [
    opening(tree),
    ...shown.map((dir) => line(tree, dir, said.get(dir), listings.get(dir))),
    ...hidden(tree.dirs.length - TOP_SHOWN, "top-level folder"),
    ...hidden(subs.length - SUB_SHOWN, "source folder"),
    "",
    ...caveats(tree),
    ...(failures.length > 0 ? [`Could not be read: ${failures.join("; ")}.`] : []),
  ]
    .join("\n")
    .trim();
}

function opening(tree: Tree): string {
  const files = countOf(tree.files.length, "file", tree.cut);
  return `${countOf(tree.dirs.length, "folder")} and ${countOf(topFiles(tree).length, "file")} at the top, ${files} in all:`;
}

/** A folder before what is in it, and both before its siblings. */
function byTree(a: string, b: string): number {
  return a.replaceAll("/", "\0") < b.replaceAll("/", "\0") ? -1 : 1;
}

/** Folders with one of the usual names; where there is none, those with code that isn't tests. */
function sourceDirs({ dirs, files }: Tree): string[] {
  const usual = dirs.filter((dir) => SOURCES.has(dir.toLowerCase()));
  if (usual.length > 0) return usual;
  const code = files.filter((path) => isCode(path) && !isInTestFolder(path));
  return dirs.filter((dir) => code.some((path) => path.startsWith(`${dir}/`))).slice(0, SOURCES_GUESSED);
}

function namesIn(reply: ToolReply | undefined): string[] {
  if (reply === undefined || reply.isError) return [];
  const { dirs, files } = entriesOf(reply.text);
  return [...dirs.map((dir) => `${dir}/`), ...files];
}

function isDir(name: string): boolean {
  return name.endsWith("/");
}

/** The files that are likeliest to say what their folder is for: an index, a README, one named like the folder. */
function candidates({ files }: Tree, dir: string): string[] {
  const rank = (path: string): number => {
    const name = path
      .slice(dir.length + 1)
      .toLowerCase()
      .replace(/\.[^.]*$/, "");
    const wanted = ["readme", "index", "mod", "lib", "__init__", "main", "doc", dir.slice(dir.lastIndexOf("/") + 1)];
    const at = wanted.indexOf(name);
    return at === -1 ? wanted.length : at;
  };
  const readable = files.filter(
    (path) => dirname(path) === dir && (isCode(path) || /\.(md|rst)$|\/readme[^/]*$/i.test(path)),
  );
  return readable.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, HEADS_A_FOLDER);
}

/** For each folder the first of its files that says something. */
function sayings(paths: string[], replies: ToolReply[]): Map<string, { path: string; words: string }> {
  const said = new Map<string, { path: string; words: string }>();
  for (const [index, path] of paths.entries()) {
    const reply = replies[index];
    if (reply === undefined || reply.isError || said.has(dirname(path))) continue;
    const words = leadingSentence(path, fileOf(path, reply.text).text);
    if (words !== undefined) said.set(dirname(path), { path, words });
  }
  return said;
}

function line(
  tree: Tree,
  dir: string,
  said: { path: string; words: string } | undefined,
  listing: string[] = [],
): string {
  const files = below(tree, dir);
  const start = `${"  ".repeat(dir.split("/").length - 1)}- ${dir}/`;
  // `find` passes over what a .gitignore names, `list` doesn't.
  if (files.length === 0)
    return `${start}: ${listing.length > 0 ? `not searched by find; holds ${few(listing, 4)}` : "no files to be seen"}`;
  const names = [...new Set(files.map((path) => path.slice(dir.length + 1).replace(/\/.*/, "/")))];
  const told = said ? `"${said.words}" (${said.path.slice(dir.length + 1)})` : `holds ${few(names, 4)}`;
  return `${start} (${countOf(files.length, "file", tree.cut)}): ${told}`;
}

function below({ files }: Tree, dir: string): string[] {
  return files.filter((path) => path.startsWith(`${dir}/`));
}

function flat(tree: Tree): string {
  if (tree.failures.length > 0) return "No folder could be seen.";
  const names = tree.files.length > 0 ? `: ${few(tree.files, 12)}` : "";
  return `There are no folders at the top of the workspace to look into, and ${countOf(tree.files.length, "file")}${names}.`;
}

function topFiles({ files }: Tree): string[] {
  return files.filter((path) => !path.includes("/"));
}

function hidden(count: number, noun: string): string[] {
  return count > 0 ? [`- and ${countOf(count, `more ${noun}`)}`] : [];
}

const SOURCES = new Set(
  "src source sources lib libs app apps packages crates cmd internal pkg modules plugins extensions".split(" "),
);
const SOURCES_GUESSED = 4;
const TOP_SHOWN = 16;
const SUB_SHOWN = 24;
const HEADS_A_FOLDER = 3;
const HEAD_LINES = 30;
