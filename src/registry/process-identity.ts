/** Which process a row belongs to, and whether that process still is. */

import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";

export type ProcessIdentity = {
  pid: number;
  /** Where the pid means something: the host's name and, on Linux, the pid namespace. */
  host: string;
  /** Tells a process from a later one with the same pid. Opaque; only Linux has it. */
  startTime?: string;
};

/** What can be seen of a pid from here. */
export type ProcessSight = { alive: boolean; startTime?: string };

export function thisProcess(): ProcessIdentity {
  const { startTime } = lookAtProcess(process.pid);
  return { pid: process.pid, host: thisHost(), ...(startTime === undefined ? {} : { startTime }) };
}

export function lookAtProcess(pid: number): ProcessSight {
  if (!pidExists(pid)) return { alive: false };
  const stat = readOrUndefined(`/proc/${pid}/stat`);
  if (stat === undefined) return { alive: true };
  // The command's name stands in parentheses and may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return { alive: false };
  return { alive: true, startTime: `${bootId()}/${fields[START_TIME_FIELD]}` };
}

/** Milliseconds since the epoch. */
export function bootedAt(now: number): number {
  return now - uptime() * 1_000;
}

function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function thisHost(): string {
  return [hostname(), pidNamespace()].filter((part) => part !== undefined).join(" ");
}

/** Containers may share a host's name and not its pids. */
function pidNamespace(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

/** Start times count from the boot. */
function bootId(): string {
  return readOrUndefined("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

/** `starttime` is field 22 of `/proc/<pid>/stat`; counted from the state, field 3. */
const START_TIME_FIELD = 19;
