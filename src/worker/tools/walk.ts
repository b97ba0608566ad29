/** Every file below a folder, for `find` and `search`. */

import { realpath } from "node:fs/promises";
import path from "node:path";
import { folderEntries, type FolderEntry } from "./folder-entries.ts";
import { isIgnored, rulesAbove, withRulesOf, type IgnoreRules } from "./gitignore.ts";
import type { Workspace } from "./workspace.ts";

export type WalkedFile = {
  /** Relative to the workspace, posix slashes. */
  path: string;
  kind: "file" | "link";
};

/**
 * Depth first, sorted, without `.git`, `node_modules` and what .gitignore files leave out. Links are told, never
 * followed. A folder that can't be read, or was swapped for a link meanwhile, is passed over.
 * @param start located path of a real folder; what is asked for by name is walked even when it is ignored
 */
export async function* walk(
  workspace: Workspace,
  start: string,
  pace: () => Promise<void>,
): AsyncGenerator<WalkedFile> {
  const above = await rulesAbove(workspace, start);
  const open: { folder: string; rules: IgnoreRules; entries: Iterator<FolderEntry> }[] = [];
  const enter = async (folder: string, rules: IgnoreRules): Promise<void> => {
    const entries = await readFolder(workspace, folder, pace);
    open.push({ folder, rules: await withRulesOf(workspace, folder, entries, rules), entries: entries.values() });
  };
  await enter(start, above);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    await pace();
    const next = top.entries.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    const { name, kind } = next.value;
    if (kind === "other") continue;
    const entryPath = top.folder === "" ? name : `${top.folder}/${name}`;
    if (isIgnored(top.rules, entryPath, kind === "folder")) continue;
    if (kind !== "folder") yield { path: entryPath, kind };
    else if (open.length < MAX_DEPTH) await enter(entryPath, top.rules);
  }
}

async function readFolder(workspace: Workspace, folder: string, pace: () => Promise<void>): Promise<FolderEntry[]> {
  const absolute = path.join(workspace.dir, folder);
  let entries: FolderEntry[] = [];
  try {
    entries = await folderEntries(absolute, pace);
    return (await realpath(absolute)) === absolute ? entries : [];
  } catch (error) {
    if (isSystemError(error)) return [];
    throw error;
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

const MAX_DEPTH = 100;
