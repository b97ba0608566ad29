/**
 * Builds `dist/`: tsc for the host's files and types, esbuild for the one bundled worker file.
 *
 *   node scripts/build.ts             everything
 *   node scripts/build.ts --if-stale  only when a source is newer than the last build
 */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleWorker } from "./bundle-worker.ts";
import { extractProviders } from "./extract-providers.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const stamp = join(dist, ".built");

if (process.argv.includes("--if-stale") && existsSync(stamp) && newestSource() <= statSync(stamp).mtimeMs) {
  process.exit(0);
}

const started = performance.now();
rmSync(dist, { recursive: true, force: true });
const [bundle] = await Promise.all([bundleWorker(root, dist), extractProviders(dist)]);
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
writeFileSync(stamp, "");
console.error(
  `built dist/ in ${Math.round(performance.now() - started)} ms (worker ${Math.round(bundle.bytes / 1024)} KiB)`,
);

/** Milliseconds since the epoch of the newest file the build reads. */
function newestSource(): number {
  const files = ["src", "scripts"].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  files.push(join(root, "package-lock.json"), join(root, "tsconfig.json"), join(root, "tsconfig.build.json"));
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}
