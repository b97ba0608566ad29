/** Where this package's own built files are, from `src/` in the repository and from `dist/` once published. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The bundled worker, made by the build. */
export function workerFile(): string {
  return join(packageRoot(), "dist", "worker", "entry.js");
}

/** Folder with one `<provider>.json` for each provider pi-ai knows, made by the build. */
export function providersDir(): string {
  return join(packageRoot(), "dist", "providers");
}

export function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "package.json"))) dir = dirname(dir);
  return dir;
}
