/** The built command as a process that a test watches, signals and waits for. */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";

import type { RunEvent } from "../../src/index.ts";
import type { CliRun } from "./run-cli.ts";

export type CliProcess = {
  readonly pid: number;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Ended, with both streams read to their ends. */
  readonly done: Promise<CliRun>;
  signal(signal: NodeJS.Signals): void;
  /** Closes the reading end of its standard output. */
  closeStdout(): void;
  /** Resolves once standard error holds this; rejects when the process ends without it. */
  says(pattern: RegExp): Promise<void>;
  /** With `--json`: resolves with the first event that fits, also one that is past. */
  event(fits: (event: RunEvent) => boolean): Promise<RunEvent>;
};

const running = new Set<number>();
const folders: string[] = [];

afterEach(() => {
  for (const pid of running) killAll(pid);
  running.clear();
});
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A folder that goes away after the file's tests, with two empty ones in it and a place for a state folder. */
export function tempDirs(): { root: string; home: string; workspace: string; stateDir: string } {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "run-cli-")));
  folders.push(root);
  const dirs = { root, home: join(root, "home"), workspace: join(root, "workspace"), stateDir: join(root, "state") };
  mkdirSync(dirs.home);
  mkdirSync(dirs.workspace);
  return dirs;
}

/** What is still running after the test is ended. */
export function startCli(
  args: readonly string[],
  options: { home: string; cwd: string; env?: Record<string, string> },
): CliProcess {
  const { home, cwd, env } = options;
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    // A process group of its own, so that a test can see whether anything of it is left.
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(
        KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      ...{ HOME: home, USERPROFILE: home, LOCALAPPDATA: home, APPDATA: home },
      ...env,
    },
  });
  const pid = child.pid ?? 0;
  running.add(pid);
  const watchers = new Set<() => void>();
  const out = { stdout: "", stderr: "" };
  const hear = (stream: "stdout" | "stderr") => (chunk: string) => {
    out[stream] += chunk;
    for (const look of [...watchers]) look();
  };
  child.stdout.setEncoding("utf8").on("data", hear("stdout"));
  child.stderr.setEncoding("utf8").on("data", hear("stderr"));
  const done = new Promise<CliRun>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      running.delete(pid);
      resolve({ code, signal, ...out });
    });
  });

  /** Looks after every piece of output. */
  const found = <T>(look: () => T | undefined, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const check = () => {
        const value = look();
        if (value === undefined) return;
        watchers.delete(check);
        resolve(value);
      };
      watchers.add(check);
      check();
      void done.then(() => {
        if (watchers.delete(check)) reject(new Error(`the command ended without ${what}:\n${out.stderr}${out.stdout}`));
      }, reject);
    });

  return {
    pid,
    done,
    get stdout() {
      return out.stdout;
    },
    get stderr() {
      return out.stderr;
    },
    signal: (signal) => void child.kill(signal),
    closeStdout: () => void child.stdout.destroy(),
    says: (pattern) => found(() => (pattern.test(out.stderr) ? true : undefined), `saying ${pattern}`).then(() => {}),
    event: (fits) => found(() => eventsIn(out.stdout).find(fits), "the event"),
  };
}

/** Every whole line of `--json` output but the answer. */
export function eventsIn(stdout: string): RunEvent[] {
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RunEvent | { type: "answer" })
    .filter((line): line is RunEvent => line.type !== "answer");
}

/** Whether a process of the command's group is still there. POSIX only. */
export function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

function killAll(pid: number): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

export const CLI = join(import.meta.dirname, "..", "..", "dist", "adapters", "cli", "main.js");

/** What a process needs to start at all. */
const KEPT = ["PATH", "Path", "SystemRoot", "windir", "TEMP", "TMP", "TMPDIR"];
