/** Sees to it that no gateway outlives the test process, whichever way that ends: SIGKILL included. */

import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";

/** From now on, the tree of `pid` is killed when this process ends; until `unwatch`. */
export function watch(pid: number): void {
  tell(`watch ${pid}`);
}

/** To be called when `pid` has ended: the system may give the number to somebody else. */
export function unwatch(pid: number): void {
  tell(`unwatch ${pid}`);
}

function tell(line: string): void {
  watchdog ??= startWatchdog();
  watchdog.stdin?.write(`${line}\n`);
}

/** In a group of its own, so that it isn't killed along with us; it ends with its input, which ends with us. */
function startWatchdog(): ChildProcess {
  const file = join(import.meta.dirname, "watchdog-process.ts");
  const child = spawn(process.execPath, [file], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  child.unref();
  return child;
}

let watchdog: ChildProcess | undefined;
