/** Ends a process and all it started. */

import { access } from "node:fs/promises";

/**
 * Never rejects. Processes are found by their parents, then, except on Windows, the group goes as a whole. What left
 * both (a daemon that made a session of its own, its parent long gone) isn't found.
 */
export async function killTree(pid: number): Promise<void> {
  if (await canFindChildren()) await Promise.race([killByParents(pid), soon()]);
  killGroup(pid);
}

/** At once, without looking for anybody; nothing on Windows, which has no such groups. */
export function killGroup(pid: number): void {
  if (process.platform === "win32") return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}

async function killByParents(pid: number): Promise<void> {
  const { default: treeKill } = await import("tree-kill");
  await new Promise<void>((resolve) => treeKill(pid, "SIGKILL", () => resolve()));
}

/** tree-kill asks these programs, and takes the thread down with it where there is none (small container images). */
async function canFindChildren(): Promise<boolean> {
  if (process.platform === "win32") return true;
  const name = process.platform === "darwin" ? "pgrep" : "ps";
  const found = await Promise.allSettled(["/bin", "/usr/bin"].map((folder) => access(`${folder}/${name}`)));
  return found.some((one) => one.status === "fulfilled");
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOKING_MS).unref());
}

const LOOKING_MS = 2000;

/** Processes that tools of this process's runs have started and not seen end; told by their threads. */
const tracked = new Set<number>();

export function track(pid: number, alive: boolean): void {
  if (alive) tracked.add(pid);
  else tracked.delete(pid);
}

/** For a process that leaves at once: all of them, by their groups; nothing on Windows, which has none. */
export function killTracked(): void {
  for (const pid of tracked) killGroup(pid);
}
