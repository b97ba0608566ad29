/**
 * Where a child works: a folder, and never one its requester's agent has no business in. Its bootstrap files are those
 * of the whole workspace, however narrow that folder is.
 */

import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { InprocessError } from "../errors.ts";
import type { Host } from "../host.ts";
import type { Requester, SpawnParams } from "../types.ts";

/**
 * The requester's workspace for its own agent, the target's for another; `cwd` narrows it, never widens.
 * @throws InprocessError `path_outside_workspace`
 */
export async function chooseWorkspace(
  host: Pick<Host, "workspaceDir">,
  params: Pick<SpawnParams, "cwd">,
  requester: Pick<Requester, "agentId" | "workspaceDir">,
  agentId: string,
): Promise<string> {
  const base = wholeWorkspace(host, requester, agentId);
  if (params.cwd === undefined) return base;
  const dir = resolve(base, params.cwd);
  if (isBelow(base, dir) && (await isRealFolderBelow(base, dir))) return dir;
  throw new InprocessError("path_outside_workspace", `cwd ${params.cwd} isn't a folder inside the workspace ${base}.`);
}

/** @param requester its `workspaceDir` is the one it works in, or the one its bootstrap files were read from */
export function wholeWorkspace(
  host: Pick<Host, "workspaceDir">,
  requester: Pick<Requester, "agentId" | "workspaceDir">,
  agentId: string,
): string {
  const own = agentId === requester.agentId ? requester.workspaceDir : undefined;
  return own ?? host.workspaceDir(agentId);
}

/** Links resolved: one that leads out is out. */
async function isRealFolderBelow(base: string, dir: string): Promise<boolean> {
  try {
    const [realBase, realDir] = await Promise.all([realpath(base), realpath(dir)]);
    return isBelow(realBase, realDir) && (await stat(realDir)).isDirectory();
  } catch {
    return false;
  }
}

function isBelow(base: string, dir: string): boolean {
  const path = relative(base, dir);
  return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}
