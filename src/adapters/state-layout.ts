/** What stands where in a state directory. Everything in it is private to its user (folder 0700). */

import { join } from "node:path";
import { makeFolder } from "../make-folder.ts";

export function stateLayout(stateDir: string) {
  return {
    /** Runs, owners, outbox. */
    registry: join(stateDir, "registry.sqlite"),
    /** `<agentId>/<sessionId>.jsonl` */
    transcripts: join(stateDir, "transcripts"),
    /** The key by which gateways know this installation, and what they gave it (0600). */
    identity: join(stateDir, "device.json"),
    /** Node's compiled code of the worker; may be deleted at any time. */
    compileCache: join(stateDir, "compile-cache"),
    /** Warming up writes here, and takes it away again. */
    scratch: join(stateDir, "warm-up"),
  };
}

/** For a folder that somebody else would make open to all. One that can't be made is found out by whoever needs it. */
export function makePrivate(dir: string): void {
  try {
    makeFolder(dir, 0o700);
  } catch {
    // Said above.
  }
}
