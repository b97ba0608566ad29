/** This package as a user gets it: packed by npm, installed by OpenClaw. */

import { existsSync } from "node:fs";
import { readdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

import { runOpenClaw } from "./command.ts";
import type { Profile } from "./profile.ts";
import { freshFolder, runFolder } from "./run-folder.ts";

/** The tarball of `npm pack`, made once in a test run from the build that is there; its absolute path. */
export async function packPlugin(): Promise<string> {
  const folder = join(runFolder(), "packed");
  if (!existsSync(folder)) await packInto(folder);
  const [tarball] = (await readdir(folder)).filter((file) => file.endsWith(".tgz"));
  if (tarball === undefined) throw new Error(`npm pack left no tarball in ${folder}`);
  return join(folder, tarball);
}

/** The folder that the tarball holds, unpacked anew; its absolute path. */
export async function unpackPlugin(): Promise<string> {
  const folder = freshFolder("unpacked");
  await execa("tar", ["-xzf", await packPlugin(), "-C", folder]);
  return join(folder, "package");
}

/**
 * `openclaw plugins install <path>` into a profile whose gateway isn't running yet, or is restarted afterwards.
 * A refusal is data: `code` isn't 0 and `output` (stdout and stderr) says why.
 */
export async function installPlugin(profile: Profile, path: string): Promise<{ code: number; output: string }> {
  const consent = profile.install.version === "2026.9.6" ? CONSENT : [];
  const args = ["plugins", "install", path, ...consent];
  const { code, stdout, stderr } = await runOpenClaw(profile, args, INSTALL_WITHIN_MS);
  return { code, output: `${stdout}\n${stderr}` };
}

/** Renamed when complete. The scripts would build again; what is to be tested is built already. */
async function packInto(folder: string): Promise<void> {
  const building = freshFolder("packing");
  const args = ["pack", "--ignore-scripts", "--loglevel", "error", "--pack-destination", building];
  await execa("npm", args, { cwd: REPOSITORY, stdin: "ignore" });
  await rename(building, folder);
}

const REPOSITORY = join(import.meta.dirname, "..", "..", "..");

/** There a user is asked whether a source outside its registry is trusted, and to accept what the plugin can do. */
const CONSENT = ["--force", "--accept-capabilities"];
const INSTALL_WITHIN_MS = 300_000;
