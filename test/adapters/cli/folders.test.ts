import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeStateDir, stateDirFrom, workspaceFrom } from "../../../src/adapters/cli/folders.ts";

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "cli-folders-"))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("the workspace", () => {
  it("is the current folder unless one is named, always as an absolute path", () => {
    mkdirSync(join(dir, "sub"));
    expect(workspaceFrom(undefined, dir)).toBe(dir);
    expect(workspaceFrom("sub", dir)).toBe(join(dir, "sub"));
  });

  it("is refused by its path when it isn't there or is a file", () => {
    writeFileSync(join(dir, "file"), "");
    for (const [name, why] of [
      ["gone", "no such folder"],
      ["file", "file"],
    ] as const) {
      expect(() => workspaceFrom(name, dir)).toThrow(
        expect.objectContaining({
          code: "workspace_unusable",
          message: expect.stringMatching(new RegExp(`${name}: .*${why}`, "u")) as string,
        }),
      );
    }
  });
});

describe("the state folder", () => {
  const env = { HOME: "/home/u", USERPROFILE: "/home/u" };

  it("is in the place the platform has for state", () => {
    expect(stateDirFrom(undefined, dir, env, "linux")).toBe(join("/home/u", ".local", "state", "openclaw-inprocess"));
    expect(stateDirFrom(undefined, dir, { ...env, XDG_STATE_HOME: "/state" }, "linux")).toBe(
      join("/state", "openclaw-inprocess"),
    );
    expect(stateDirFrom(undefined, dir, { ...env, XDG_STATE_HOME: "relative" }, "linux")).toBe(
      join("/home/u", ".local", "state", "openclaw-inprocess"),
    );
    expect(stateDirFrom(undefined, dir, env, "darwin")).toBe(
      join("/home/u", "Library", "Application Support", "openclaw-inprocess"),
    );
    expect(stateDirFrom(undefined, dir, { ...env, LOCALAPPDATA: "/local" }, "win32")).toBe(
      join("/local", "openclaw-inprocess"),
    );
    expect(stateDirFrom("mine", dir, env, "linux")).toBe(join(dir, "mine"));
  });

  it("is made for its owner alone, and taken back with the folders above it while empty", () => {
    const state = join(dir, "a", "b", "state");
    const takeBack = makeStateDir(state);
    if (process.platform !== "win32") expect(statSync(state).mode & 0o777).toBe(0o700);
    takeBack();
    expect(existsSync(join(dir, "a"))).toBe(false);
    expect(existsSync(dir)).toBe(true);
  });

  it("is never taken back when it was there before or holds something", () => {
    makeStateDir(dir)();
    expect(existsSync(dir)).toBe(true);
    const state = join(dir, "state");
    const takeBack = makeStateDir(state);
    writeFileSync(join(state, "kept"), "");
    takeBack();
    expect(existsSync(join(state, "kept"))).toBe(true);
  });

  it("is refused by its path, with nothing made, when a file is in its place or above it", () => {
    writeFileSync(join(dir, "file"), "");
    for (const path of [join(dir, "file"), join(dir, "file", "state")]) {
      expect(() => makeStateDir(path)).toThrow(
        expect.objectContaining({ code: "state_dir_unusable", message: expect.stringContaining(path) as string }),
      );
    }
    expect(statSync(join(dir, "file")).isFile()).toBe(true);
  });
});
