/** Ending or holding a process with everything it started; it must lead a group of its own where there are groups. */

import { spawnSync } from "node:child_process";

/** SIGKILL, at once. Nothing happens when nobody is left. */
export function killProcessTree(pid: number): void {
  try {
    if (process.platform === "win32") spawnSync("taskkill", ["/pid", String(pid), "/t", "/f"]);
    else process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}

/** SIGSTOP: its sockets stay, and nothing answers on them until the returned function is called. Not on Windows. */
export function holdProcessTree(pid: number): () => void {
  process.kill(-pid, "SIGSTOP");
  return () => process.kill(-pid, "SIGCONT");
}
