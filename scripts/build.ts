/**
 * Builds `dist/`: tsc for the host's files and types, esbuild for the bundled worker files.
 *
 *   node scripts/build.ts             everything
 *   node scripts/build.ts --if-stale  only when a source is newer than the last build
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { bundleWorker } from "./bundle-worker.ts";
import { extractProviders } from "./extract-providers.ts";
import { pruneDist } from "./prune-dist.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const stamp = join(dist, ".built");

if (process.argv.includes("--if-stale") && existsSync(stamp) && newestSource() <= statSync(stamp).mtimeMs) {
  process.exit(0);
}

const started = performance.now();
rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
pruneDist(dist, loadedFromOutside());
const [bundle] = await Promise.all([bundleWorker(root, dist), extractProviders(dist)]);
writeFileSync(stamp, "");
console.error(
  `built dist/ in ${Math.round(performance.now() - started)} ms (worker ${Math.round(bundle.bytes / 1024)} KiB)`,
);

/** What package.json names, relative to `dist/`. */
function loadedFromOutside(): string[] {
  const { exports, bin, openclaw } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: { ".": Record<string, string> };
    bin: Record<string, string>;
    openclaw: { extensions: string[] };
  };
  const named = [...Object.values(exports["."]), ...Object.values(bin), ...openclaw.extensions];
  return named.map((file) => relative("dist", file));
}

/** Milliseconds since the epoch of the newest file the build reads. */
function newestSource(): number {
  const files = ["src", "scripts"].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const settings = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];
  files.push(...settings.map((name) => join(root, name)));
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}
