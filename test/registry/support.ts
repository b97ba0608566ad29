/** What the registry's tests share: folders that go away, runs and settlements with everything filled in. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import type { Registry, RegistryOptions } from "../../src/registry/registry.ts";
import type { RunRow } from "../../src/registry/run-row.ts";
import { completionOf } from "./fixtures/rows.ts";

const open: Registry[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const registry of open.splice(0)) await registry.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "registry-test-"));
  folders.push(folder);
  return folder;
}

export function tempFile(): string {
  return join(tempFolder(), "state", "registry.sqlite");
}

/** Closed after the test. */
export function openForTest(options: RegistryOptions): Registry {
  const registry = openRegistry(options);
  open.push(registry);
  return registry;
}

/** The same, with its owner row. */
export function openOwned(file: string, owner?: RegistryOptions["owner"]): Registry {
  const registry = openForTest({ file, ...(owner === undefined ? {} : { owner }) });
  registry.claimOwner();
  return registry;
}

export const interruptedCompletion = (run: RunRow) => completionOf(run, { text: `partial of ${run.label}` });

/** Above what Linux and macOS hand out, and not a multiple of four as on Windows. */
export const NO_SUCH_PID = 2 ** 22 + 1;

/** Both ways of keeping a registry fulfil the same contract. */
export const STORES: { name: string; file: () => string }[] = [
  { name: "a file", file: tempFile },
  { name: ":memory:", file: () => ":memory:" },
];
