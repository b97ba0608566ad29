/** Real OpenClaw installations, made from npm once and kept in a cache folder outside the project. */

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";

export type OpenClawVersion = "2026.4.1" | "2026.9.6";

export type OpenClawInstall = {
  version: OpenClawVersion;
  /** The folder of the package `openclaw`. */
  root: string;
  /** `openclaw.mjs`, the file to run. */
  entry: string;
  /** The Node that runs it. */
  node: string;
};

/**
 * Installs that version unless the cache has it: about 35 s and 640 MB, over the npm registry.
 * The cache is `openclaw-inprocess` in the user's cache folder, or `OPENCLAW_INPROCESS_TEST_CACHE`.
 */
export async function installOpenClaw(version: OpenClawVersion): Promise<OpenClawInstall> {
  const folder = join(cacheFolder(), `openclaw-${version}`);
  if (!isComplete(folder)) await installInto(folder, version);
  const root = join(folder, "node_modules", "openclaw");
  return { version, root, entry: join(root, "openclaw.mjs"), node: nodeFor(folder, version) };
}

/** Made beside its place and renamed when complete: whoever sees the folder sees a whole installation. */
async function installInto(folder: string, version: OpenClawVersion): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const building = await mkdtemp(`${folder}.installing-`);
  try {
    console.warn(`installing openclaw ${version} into ${folder}, once`);
    await writeFile(join(building, "package.json"), JSON.stringify(manifest(version), undefined, 2));
    const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
    await execa("npm", ["install", ...quiet, "--prefix", building], { cwd: building, stdin: "ignore" });
    await writeFile(join(building, STAMP), new Date().toISOString());
    await moveIntoPlace(building, folder);
  } finally {
    await rm(building, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Another process may have been faster: its installation is as good as ours. */
async function moveIntoPlace(building: string, folder: string): Promise<void> {
  if (isComplete(folder)) return;
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    await rename(building, folder);
  } catch (error) {
    if (!isComplete(folder)) throw error;
  }
}

function isComplete(folder: string): boolean {
  return existsSync(join(folder, STAMP));
}

function manifest(version: OpenClawVersion): object {
  const dependencies: Record<string, string> = { openclaw: version };
  if (version === NEEDS_NEWER_NODE) dependencies[nodePackage()] = NEWER_NODE;
  // A newer linkedom asks for a package that isn't published.
  return { private: true, overrides: { linkedom: "0.18.12" }, dependencies };
}

function nodeFor(folder: string, version: OpenClawVersion): string {
  if (version !== NEEDS_NEWER_NODE) return process.execPath;
  const file = process.platform === "win32" ? "node.exe" : "node";
  return join(folder, "node_modules", nodePackage(), "bin", file);
}

/** The npm package that carries the binary for this machine. */
function nodePackage(): string {
  return `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
}

function cacheFolder(): string {
  const chosen = process.env.OPENCLAW_INPROCESS_TEST_CACHE;
  if (chosen) return chosen;
  const base =
    process.platform === "win32"
      ? (process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"))
      : (process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"));
  return join(base, "openclaw-inprocess");
}

const NEEDS_NEWER_NODE: OpenClawVersion = "2026.9.6";
const NEWER_NODE = "24.21.0";
const STAMP = "complete";
