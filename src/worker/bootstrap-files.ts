/** The workspace's bootstrap files (AGENTS.md; by the rules of OpenClaw 2026.4.1 TOOLS.md too), which go into a system prompt. */

import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";

/** `cut`: the file goes on. */
export type BootstrapFile = { name: string; text: string; cut: boolean };

/** In the order of their names here; one that isn't there, or isn't taken, is left out. */
export async function readBootstrapFiles(folder: string, names: readonly string[]): Promise<BootstrapFile[]> {
  const read = await Promise.all(names.map((name) => readBootstrapFile(folder, name)));
  return read.filter((file) => file !== undefined);
}

/** Undefined when there is none, or when it is a link or no plain file: what it links to may lie outside the workspace. */
async function readBootstrapFile(folder: string, name: string): Promise<BootstrapFile | undefined> {
  const path = join(folder, name);
  let file;
  try {
    // Windows has no O_NOFOLLOW; there the look before the open is all there is.
    if (!(await lstat(path)).isFile()) return undefined;
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch {
    return undefined;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.nlink > 1) return undefined;
    const buffer = Buffer.alloc(Math.min(stat.size, MAX_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    // A character cut in two at the end becomes one replacement character, which is dropped.
    return { name, text: buffer.toString("utf8", 0, bytesRead).replace(/\uFFFD$/, ""), cut: stat.size > MAX_BYTES };
  } finally {
    await file.close();
  }
}

/** OpenClaw's cap for one bootstrap file is 20,000 characters (docs/concepts/system-prompt). */
const MAX_BYTES = 20_000;
