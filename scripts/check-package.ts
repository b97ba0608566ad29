/**
 * What `npm pack` makes, looked at as its users' tools would: publint (entries, files, formats) and attw (types).
 * Ends with 1 when either has anything to say.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "inprocess-package-"));
try {
  const tarball = pack(folder);
  const said = await publintSays(tarball);
  for (const line of said) console.error(`publint: ${line}`);
  if (said.length === 0) console.error("publint: nothing to say");
  if (!attwIsContent(tarball) || said.length > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Packs the build that is there. @returns the tarball's path */
function pack(into: string): string {
  const args = ["pack", "--ignore-scripts", "--loglevel", "error", "--pack-destination", into];
  // npm is a script that only a shell finds on Windows.
  execFileSync("npm", args, { cwd: root, stdio: ["ignore", "ignore", "inherit"], shell: process.platform === "win32" });
  return join(into, readdirSync(into)[0]!);
}

async function publintSays(tarball: string): Promise<string[]> {
  const bytes = readFileSync(tarball);
  const packed = new Uint8Array(bytes).buffer;
  const { messages, pkg } = await publint({ pack: { tarball: packed }, strict: true });
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code);
}

/** The package is ES modules alone, so what older ways of importing would find is left out. */
function attwIsContent(tarball: string): boolean {
  const attw = join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");
  const args = [attw, tarball, "--profile", "esm-only", "--no-color"];
  return spawnSync(process.execPath, args, { stdio: "inherit" }).status === 0;
}
