/** What is in one folder, read in pieces. */

import type { Dirent } from "node:fs";
import { opendir } from "node:fs/promises";

export type FolderEntry = { name: string; kind: "file" | "folder" | "link" | "other" };

/** Sorted by name; links are told, not followed; `.git` and `node_modules` are left out. */
export async function folderEntries(absolute: string, pace: () => Promise<void>): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = [];
  for await (const entry of await opendir(absolute, { bufferSize: READ_AHEAD })) {
    await pace();
    if (!SKIPPED.has(entry.name)) entries.push({ name: entry.name, kind: kindOf(entry) });
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kindOf(entry: Dirent): FolderEntry["kind"] {
  if (entry.isSymbolicLink()) return "link";
  if (entry.isDirectory()) return "folder";
  return entry.isFile() ? "file" : "other";
}

const SKIPPED = new Set([".git", "node_modules"]);
const READ_AHEAD = 256;
