import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { makeFolder, removeEmpty } from "../src/make-folder.ts";

const base = mkdtempSync(join(tmpdir(), "make-folder-"));
afterEach(() => rmSync(join(base, "a"), { recursive: true, force: true }));

describe("making a folder", () => {
  it("makes what is missing above it, and tells the topmost", () => {
    expect(makeFolder(join(base, "a", "b", "c"), 0o700)).toBe(join(base, "a"));
    expect(statSync(join(base, "a", "b", "c")).isDirectory()).toBe(true);
    expect(makeFolder(join(base, "a", "b"), 0o700)).toBeUndefined();
    if (process.platform !== "win32") expect(statSync(join(base, "a")).mode & 0o777).toBe(0o700);
  });

  it("leaves nothing half made when the system refuses", () => {
    const file = join(base, "file");
    writeFileSync(file, "");
    expect(() => makeFolder(join(file, "x", "y"), 0o700)).toThrow(/ENOTDIR|ENOENT|EEXIST/);
    expect(() => makeFolder(join(base, "a", "b", "x\0y"), 0o700)).toThrow();
    expect(existsSync(join(base, "a"))).toBe(false);
  });

  it.skipIf(process.platform !== "linux")("ends where the system has no folders to give", () => {
    expect(() => makeFolder("/proc/no-such-folder/x", 0o700)).toThrow(/ENOENT/);
  });

  it("takes back only what is empty", () => {
    const top = makeFolder(join(base, "a", "b", "c"), 0o700)!;
    writeFileSync(join(base, "a", "kept"), "");
    removeEmpty(join(base, "a", "b", "c"), top);
    expect(existsSync(join(base, "a", "b"))).toBe(false);
    expect(existsSync(join(base, "a", "kept"))).toBe(true);
  });
});
