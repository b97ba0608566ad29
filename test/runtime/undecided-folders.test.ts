import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { UndecidedFolders } from "../../src/runtime/undecided-folders.ts";
import { tempFolder } from "../helpers/runtime-fixture.ts";

const HOUR = 3_600_000;

it("a folder is noted from before it is made until it is decided, for its owner's eyes alone", async () => {
  const dir = join(tempFolder(), "notes");
  const folders = new UndecidedFolders(dir);
  await folders.note("/workspace/one");
  expect(readdirSync(dir)).toEqual(["one"]);
  if (process.platform !== "win32") expect(statSync(join(dir, "one")).mode & 0o777).toBe(0o600);
  await folders.forget("/workspace/one");
  await folders.forget("/workspace/one");
  expect(readdirSync(dir)).toEqual([]);
});

it("another process's are swept when they are old, but for those a run has; one's own are left alone", async () => {
  const { dir, one, two } = await noted();
  const removed: string[] = [];
  const remove = async (folder: string): Promise<void> => void removed.push(folder);
  const others = new UndecidedFolders(dir);
  await others.sweep(() => false, remove, Date.now() + 9 * 60_000);
  expect(removed).toEqual([]);
  const own = join(dir, "..", "own");
  await others.note(own);
  await others.sweep((folder) => folder === two, remove, Date.now() + HOUR);
  expect(removed).toEqual([one]);
  expect(readdirSync(dir)).toEqual(["own"]);
});

it("one whose folder can't be removed stays noted for the next time", async () => {
  const { dir, one } = await noted();
  const failing = () => Promise.reject(new Error("busy"));
  await expect(new UndecidedFolders(dir).sweep(() => false, failing, Date.now() + HOUR)).rejects.toThrow("busy");
  expect(readdirSync(dir)).toContain("one");
  expect(existsSync(one)).toBe(true);
});

it("where nothing was ever noted, nothing is to be swept", async () => {
  const none = new UndecidedFolders(join(tempFolder(), "never made"));
  await none.sweep(
    () => false,
    () => Promise.reject(new Error("called")),
  );
});

/** By a process that is gone. */
async function noted() {
  const folder = tempFolder();
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  const gone = new UndecidedFolders(join(folder, "notes"));
  for (const path of [one, two]) {
    await gone.note(path);
    mkdirSync(path);
  }
  return { dir: join(folder, "notes"), one, two };
}
