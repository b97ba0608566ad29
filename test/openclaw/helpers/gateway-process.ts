/** A gateway's process tree and what it writes; none outlives the test process. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

import { killProcessTree } from "./process-tree.ts";
import type { Profile } from "./profile.ts";
import { unwatch, watch } from "./watchdog.ts";

export type GatewayProcess = {
  pid: number;
  /** stdout and stderr so far, without colours. */
  log(): string;
  running(): boolean;
  /** SIGTERM, then SIGKILL to the whole tree when it takes more than 15 s. */
  stop(): Promise<void>;
  /** SIGKILL to the whole tree. */
  kill(): Promise<void>;
};

/**
 * Resolves when its HTTP endpoint answers; what was started is killed when that fails.
 * @param flags of `gateway run`. @default those that put WebSocket connections into the log
 */
export async function runGateway(profile: Profile, flags = VERBOSE): Promise<GatewayProcess> {
  const child = spawnGateway(profile, flags);
  const { pid } = child;
  if (pid === undefined)
    throw new Error(`${profile.install.node} can't be started`, { cause: await once(child, "error") });
  watch(pid);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += stripVTControlCharacters(text)));
  }
  const closed = once(child, "close");
  void closed.then(() => unwatch(pid));
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const kill = async (): Promise<void> => {
    killProcessTree(pid);
    await closed;
  };
  const stop = async (): Promise<void> => {
    if (running()) child.kill("SIGTERM");
    const late = setTimeout(() => killProcessTree(pid), STOP_WITHIN_MS);
    await closed;
    clearTimeout(late);
  };
  try {
    await answers(profile, running);
  } catch (error) {
    await kill();
    throw new Error(`the gateway on port ${profile.port} never answered; it wrote:\n${output}`, { cause: error });
  }
  return { pid, log: () => output, running, stop, kill };
}

/** OpenClaw starts itself a second time; a process group of its own is what reaches both. */
function spawnGateway(profile: Profile, flags: readonly string[]): ChildProcess {
  const { install, port, env, folder } = profile;
  const args = [install.entry, "gateway", "run", "--port", String(port), ...flags];
  return spawn(install.node, args, {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
}

async function answers({ port }: Profile, running: () => boolean): Promise<void> {
  const url = `http://127.0.0.1:${port}/readyz`;
  const asked = async (): Promise<boolean> => {
    if (!running()) return true;
    return fetch(url).then(
      async (response) => (await response.body?.cancel(), response.ok),
      () => false,
    );
  };
  for (const deadline = Date.now() + START_WITHIN_MS; !(await asked()); await delay(LOOK_EVERY_MS)) {
    if (Date.now() > deadline) throw new Error(`it didn't within ${START_WITHIN_MS} ms`);
  }
  if (!running()) throw new Error("it ended by itself");
}

const VERBOSE: readonly string[] = ["--verbose", "--ws-log", "full"];
const START_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 100;
const STOP_WITHIN_MS = 15_000;
