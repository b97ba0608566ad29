/** The folder that all files of one `vitest` run share: templates and tarballs are made in it once. */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removedAtExit } from "../../helpers/removed-at-exit.ts";

/** Vitest's global setup. The workers it starts afterwards inherit the environment. */
export default function setup(): () => void {
  const folder = newFolder();
  process.env[VARIABLE] = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Its absolute path. Without the global setup (a script, another config) it is a new folder, removed when this process exits. */
export function runFolder(): string {
  return process.env[VARIABLE] ?? (process.env[VARIABLE] = removedAtExit(newFolder()));
}

/** A folder of its own inside the run folder, its name starting with `name`. */
export function freshFolder(name: string): string {
  return mkdtempSync(join(runFolder(), `${name}-`));
}

/** A real path, as macOS keeps temporary folders behind a link. */
function newFolder(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "openclaw-test-")));
}

const VARIABLE = "OPENCLAW_INPROCESS_TEST_RUN_FOLDER";
