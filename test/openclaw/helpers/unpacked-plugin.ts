/** This package as a folder: what npm would publish with its dependencies, and nothing of the working tree around it. */

import { join } from "node:path";
import { execa } from "execa";

import { packPlugin } from "./plugin-install.ts";
import { freshFolder } from "./run-folder.ts";

/** A new copy; its absolute path. */
export async function unpackPlugin(): Promise<string> {
  const folder = freshFolder("unpacked");
  await execa("tar", ["-xzf", await packPlugin(), "-C", folder], { stdin: "ignore" });
  const plugin = join(folder, "package");
  // 2026.9.6 takes a folder as it is; only a tarball's dependencies are installed by it.
  const quiet = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
  await execa("npm", ["install", ...quiet], { cwd: plugin, stdin: "ignore" });
  return plugin;
}
