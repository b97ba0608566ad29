/**
 * Folders filled for spawns that aren't let in yet. A process that dies in that moment leaves one that no run knows, so
 * each is noted in a file of its own before it is made, and whoever looks later removes what came to nothing.
 */

import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeFolder } from "../make-folder.ts";

export class UndecidedFolders {
  readonly #dir: string;
  readonly #ours = new Set<string>();

  /** @param dir where the notes stand, absolute; made when the first is written */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** @param folder absolute; its last part tells it from all others */
  async note(folder: string): Promise<void> {
    this.#ours.add(basename(folder));
    makeFolder(this.#dir, 0o700);
    await writeFile(this.#pathOf(folder), folder, { mode: 0o600 });
  }

  /** A run has it now, or it is gone. */
  async forget(folder: string): Promise<void> {
    await rm(this.#pathOf(folder), { force: true });
    this.#ours.delete(basename(folder));
  }

  /**
   * Notes that nobody can be about any more are dropped, and their folders handed to `remove` first, but for those that
   * a run has. One that fails is looked at again next time. @param now milliseconds since the epoch
   */
  async sweep(
    isKnown: (folder: string) => boolean,
    remove: (folder: string) => Promise<void>,
    now = Date.now(),
  ): Promise<void> {
    const names = await readdir(this.#dir).catch(() => []);
    for (const name of names) {
      if (this.#ours.has(name)) continue;
      const path = join(this.#dir, name);
      // Another process may be at it: writing what a spawn brings takes it seconds at most.
      if (now - (await stat(path)).mtimeMs < UNDECIDED_MS) continue;
      const folder = await readFile(path, "utf8");
      if (!isKnown(folder)) await remove(folder);
      await rm(path, { force: true });
    }
  }

  #pathOf(folder: string): string {
    return join(this.#dir, basename(folder));
  }
}

const UNDECIDED_MS = 10 * 60_000;
