/** The workspace's AGENTS.md, the bootstrap file that goes into every session's system prompt. */

import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";

/** Undefined when there is none, or when it is a link or no plain file: what it links to may lie outside the workspace. */
export async function readAgentsMd(workspaceDir: string): Promise<{ text: string; cut: boolean } | undefined> {
  const path = join(workspaceDir, "AGENTS.md");
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
    return { text: buffer.toString("utf8", 0, bytesRead).replace(/\uFFFD$/, ""), cut: stat.size > MAX_BYTES };
  } finally {
    await file.close();
  }
}

/** OpenClaw's cap for one bootstrap file is 20,000 characters (docs/concepts/system-prompt). */
const MAX_BYTES = 20_000;
