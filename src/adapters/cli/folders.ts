/** The two folders of a run: the workspace, which must be there, and the state folder, which is made when all else is right. */

import { accessSync, constants, existsSync, opendirSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { InprocessError } from "../../errors.ts";
import { makeFolder, removeEmpty } from "../../make-folder.ts";

/**
 * The workspace as an absolute path. @default the current folder
 * @throws InprocessError `workspace_unusable`
 */
export function workspaceFrom(flag: string | undefined, cwd: string): string {
  const dir = resolve(cwd, flag ?? ".");
  try {
    opendirSync(dir).closeSync();
  } catch (error) {
    throw new InprocessError(
      "workspace_unusable",
      `--workspace ${dir}: ${wordsFor(error)}; name a folder that is there and may be read`,
      { cause: error },
    );
  }
  return dir;
}

/** The state folder as an absolute path. @default `openclaw-inprocess` in the platform's folder for state */
export function stateDirFrom(
  flag: string | undefined,
  cwd: string,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string {
  if (flag !== undefined) return resolve(cwd, flag);
  const home = homeFrom(env, platform);
  if (platform === "win32") return join(absolute(env.LOCALAPPDATA) ?? join(home, "AppData", "Local"), NAME);
  if (platform === "darwin") return join(home, "Library", "Application Support", NAME);
  return join(absolute(env.XDG_STATE_HOME) ?? join(home, ".local", "state"), NAME);
}

/**
 * Makes the state folder, readable by its owner alone, when it isn't there.
 * @returns takes back what was made, as long as it is empty
 * @throws InprocessError `state_dir_unusable`; then nothing was made
 */
export function makeStateDir(dir: string): () => void {
  let made: string | undefined;
  try {
    if (existsSync(dir) && !statSync(dir).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
    made = makeFolder(dir, 0o700);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (made !== undefined) removeEmpty(dir, made);
    throw new InprocessError(
      "state_dir_unusable",
      `state folder ${dir}: ${wordsFor(error)}; name a folder that may be written with --state-dir`,
      { cause: error },
    );
  }
  return () => {
    if (made !== undefined) removeEmpty(dir, made);
  };
}

/** The user's home folder. @throws InprocessError `state_dir_unusable` when the system knows none */
export function homeFrom(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const home = absolute(platform === "win32" ? env.USERPROFILE : env.HOME);
  if (home !== undefined) return home;
  try {
    return userInfo().homedir;
  } catch (error) {
    throw new InprocessError(
      "state_dir_unusable",
      "the system knows no home folder to keep state in; name a folder that may be written with --state-dir",
      { cause: error },
    );
  }
}

/** The XDG rules: a relative path counts as unset. */
function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

function wordsFor(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  return ERRNO_WORDS[code] ?? `the system says ${code}`;
}

const NAME = "openclaw-inprocess";

const ERRNO_WORDS: Record<string, string> = {
  ENOENT: "there is no such folder",
  ENOTDIR: "it, or a part of its path, is a file and not a folder",
  EEXIST: "it, or a part of its path, is a file and not a folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "its symbolic links go round in a circle",
};
