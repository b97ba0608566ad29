/** A POSIX shell whose `openclaw-inprocess` is the built command, with nothing of this machine's settings in its environment. */

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";

import { CLI } from "../e2e/cli-process.ts";
import type { CliRun } from "../e2e/run-cli.ts";

export type Shell = {
  /** What `~` stands for; state is kept below it on every system. */
  home: string;
  /** Where lines are run. */
  cwd: string;
  /** Runs a line as it is, with standard input empty. What it leaves running is ended after the test. */
  run(line: string, env?: Record<string, string>): Promise<CliRun>;
};

const groups = new Set<number>();
const folders: string[] = [];

afterEach(() => {
  for (const pid of groups) endGroup(pid);
  groups.clear();
});
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A shell of its own: empty folders that go away after the file's tests. */
export function openShell(): Shell {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "readme-")));
  folders.push(root);
  const [home, cwd, bin] = ["home", "project", "bin"].map((name) => join(root, name)) as [string, string, string];
  for (const dir of [home, cwd, bin]) mkdirSync(dir);
  const launcher = join(bin, "openclaw-inprocess");
  writeFileSync(launcher, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(CLI)} "$@"\n`);
  chmodSync(launcher, 0o755);
  const environment = {
    PATH: `${bin}:${process.env.PATH ?? ""}`,
    HOME: home,
    XDG_STATE_HOME: join(home, "state"),
    ...(process.env.TMPDIR === undefined ? {} : { TMPDIR: process.env.TMPDIR }),
  };
  return { home, cwd, run: (line, env) => runLine(line, cwd, { ...environment, ...env }) };
}

function runLine(line: string, cwd: string, env: Record<string, string>): Promise<CliRun> {
  // A process group of its own: the shell and all it starts can be ended together.
  const child = spawn("/bin/sh", ["-c", line], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  if (child.pid !== undefined) groups.add(child.pid);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      groups.delete(child.pid ?? 0);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
