/** `openclaw <args>` as a user of a profile would type it. */

import { execa } from "execa";

import type { Profile } from "./profile.ts";

export type CommandResult = {
  /** 1 also when it was stopped for taking too long. */
  code: number;
  stdout: string;
  stderr: string;
};

/** A failing command is data. @param timeoutMs milliseconds, after which it is killed */
export async function runOpenClaw(
  profile: Profile,
  args: readonly string[],
  timeoutMs = 60_000,
): Promise<CommandResult> {
  const { exitCode, stdout, stderr } = await execa(profile.install.node, [profile.install.entry, ...args], {
    cwd: profile.folder,
    env: profile.env,
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    timeout: timeoutMs,
  });
  return { code: exitCode ?? 1, stdout, stderr };
}
