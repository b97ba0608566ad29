/** Takes out of `dist/` what nothing reaches: the types of internals, and modules of types alone. */

import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * @param dist the build; only tsc's files are looked at, so prune before others are there
 * @param roots what is loaded from outside, relative to `dist`
 * @returns the files that went, relative to `dist`
 */
export function pruneDist(dist: string, roots: readonly string[]): string[] {
  const kept = new Set<string>();
  for (const root of roots) follow(join(dist, root), kept);
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => /\.[jt]s$/.test(file));
  const pruned = files.filter((file) => !kept.has(join(dist, file)));
  for (const file of pruned) rmSync(join(dist, file));
  return pruned;
}

function follow(file: string, kept: Set<string>): void {
  if (kept.has(file) || !existsSync(file)) return;
  kept.add(file);
  for (const [, path] of readFileSync(file, "utf8").matchAll(RELATIVE)) {
    const target = join(dirname(file), path!);
    follow(file.endsWith(".d.ts") ? target.replace(/(?:\.js|\.ts)$/, ".d.ts") : target, kept);
  }
}

/** Any string that names a file beside: an import's, or that of a thread's file. */
const RELATIVE = /["'`](\.\.?\/[^"'`\s]+\.[jt]s)["'`]/g;
