/** Folders that go with this process, also when it is interrupted. */

import { rmSync } from "node:fs";

const folders: string[] = [];

/** @returns the folder */
export function removedAtExit(folder: string): string {
  if (folders.push(folder) === 1) listen();
  return folder;
}

function listen(): void {
  process.once("exit", () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  // A signal that nobody listens to ends the process without that event.
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
}
