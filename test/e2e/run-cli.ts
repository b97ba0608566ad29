/** The built command as a process of its own, with nothing of this machine's settings in its environment. */

import { spawn } from "node:child_process";
import { join } from "node:path";

export type CliRun = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };

/**
 * @param options.home stands for every place the system keeps a user's files in
 * @param options.stdin written and closed; without it standard input is empty
 */
export function runCli(
  args: readonly string[],
  options: { home: string; cwd: string; env?: Record<string, string>; stdin?: string | Buffer; nodeArgs?: string[] },
): Promise<CliRun> {
  const { home, cwd, env, stdin, nodeArgs = [] } = options;
  const child = spawn(process.execPath, [...nodeArgs, CLI, ...args], {
    cwd,
    env: {
      ...Object.fromEntries(
        KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      HOME: home,
      USERPROFILE: home,
      LOCALAPPDATA: home,
      APPDATA: home,
      ...env,
    },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  // The command may stop reading a task that is too long.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

const CLI = join(import.meta.dirname, "..", "..", "dist", "adapters", "cli", "main.js");

/** What a process needs to start at all. */
const KEPT = ["PATH", "Path", "SystemRoot", "windir", "TEMP", "TMP", "TMPDIR"];
