/** Which build was measured: a hash of the built plugin and library. */

import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export function buildHash(): string {
  const hash = createHash("sha256");
  for (const file of globSync("**/*.js", { cwd: DIST }).sort())
    hash.update(file).update(readFileSync(join(DIST, file)));
  return hash.digest("hex");
}

const DIST = join(import.meta.dirname, "..", "..", "dist");
