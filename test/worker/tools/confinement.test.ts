import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CANARY, codeOf, createHarness, textOf, type Harness } from "./harness.ts";

const WINDOWS = process.platform === "win32";

/** Each is a path from the workspace to something outside it. */
const ATTACKS: [string, (harness: Harness) => string][] = [
  ["..", () => "../outside/canary.txt"],
  [".. behind a folder", () => "sub/../../outside/canary.txt"],
  [".. behind a folder that isn't there", () => "nope/../../outside/canary.txt"],
  [".. with much noise", () => "./sub/.//../sub/../.././outside/./canary.txt"],
  ["an absolute path", (harness) => path.join(harness.outside, "canary.txt")],
  ["an absolute path through the workspace", (harness) => path.join(harness.workspace, "..", "outside", "canary.txt")],
  ["an absolute path with .. kept", (harness) => `${harness.workspace}/../outside/canary.txt`],
  ["a link to the file", () => "link-to-file"],
  ["a link to the folder", () => "link-to-folder/canary.txt"],
  ["a link to a link", () => "link-to-link/canary.txt"],
  ["a link deeper down", () => "sub/deep/up/canary.txt"],
  ["a hard link", () => "hard-link.txt"],
  ["the parent itself", () => ".."],
  ["a home folder", () => "~/canary.txt"],
  ["another user's place", () => "/etc/passwd"],
  ["a Windows path", () => "C:\\Windows\\win.ini"],
  ["a Windows path relative to a drive", () => "C:canary.txt"],
  ["a UNC path", () => "\\\\server\\share\\canary.txt"],
  ["a file URL", () => "file:///etc/passwd"],
  ["a device", () => (WINDOWS ? "\\\\.\\PhysicalDrive0" : "/dev/zero")],
];

describe("confinement to the workspace", () => {
  for (const [what, pathOf] of ATTACKS) {
    it.each(["read", "write", "edit", "list", "find", "search"])(`%s refuses ${what}`, async (tool) => {
      const harness = guarded();
      const before = treeOf(harness.base);
      const args = { path: pathOf(harness), content: "x", oldText: "canary", newText: "x", pattern: "**" };
      const output = await harness.call(tool, tool === "search" ? { ...args, pattern: "canary" } : args);
      expect(output.isError, textOf(output)).toBe(true);
      expect(textOf(output)).not.toContain("nobody may read");
      // What is a file anyway is refused as such.
      const isNoFolder = what === "a hard link" && (tool === "list" || tool === "find");
      expect(codeOf(output)).toBe(isNoFolder ? "tool_error" : "path_outside_workspace");
      expect(treeOf(harness.base)).toEqual(before);
    });
  }

  it("refuses a NUL character", async () => {
    const harness = guarded();
    for (const tool of ["read", "write", "edit", "list"]) {
      const args = { path: "a.txt\0../../outside/canary.txt", content: "x", oldText: "a", newText: "b" };
      const output = await harness.call(tool, args);
      expect(codeOf(output)).toBe("params_invalid");
      expect(textOf(output)).toContain("\\x00");
    }
  });

  it("doesn't follow links that lead out when it looks through folders", async () => {
    const harness = guarded();
    const found = await harness.text("find", { pattern: "**" });
    expect(found).not.toContain("canary.txt");
    expect(await harness.text("search", { pattern: "canary" })).toMatch(/^\[no line of \d+ files matches canary\]$/);
  });

  it("makes no folders on the way to a refused path", async () => {
    const harness = guarded();
    await harness.call("write", { path: "new/folder/../../../outside/x.txt", content: "x" });
    await harness.call("write", { path: "link-to-folder/new/x.txt", content: "x" });
    expect(existsSync(path.join(harness.workspace, "new"))).toBe(false);
    expect(readdirSync(harness.outside)).toEqual(["canary.txt"]);
  });

  it("doesn't write through a dangling link", async () => {
    const harness = guarded();
    const output = await harness.call("write", { path: "dangling", content: "x" });
    expect(codeOf(output)).toBe("path_outside_workspace");
    expect(readdirSync(harness.outside)).toEqual(["canary.txt"]);
  });

  it("takes absolute paths inside the workspace", async () => {
    const harness = createHarness({ "sub/a.txt": "here" });
    expect(await harness.text("read", { path: path.join(harness.workspace, "sub", "a.txt") })).toBe("here");
    await harness.text("write", { path: path.join(harness.workspace, "b", "c.txt"), content: "new" });
    expect(readFileSync(path.join(harness.workspace, "b", "c.txt"), "utf8")).toBe("new");
    expect(await harness.text("list", { path: harness.workspace })).toBe("b/\nsub/");
  });

  it.skipIf(WINDOWS)("follows links that stay inside for reading, and for writing only as parents", async () => {
    const harness = createHarness({ "sub/a.txt": "here" });
    harness.symlink("sub", "alias");
    harness.symlink(path.join("sub", "a.txt"), "a-link.txt");
    expect(await harness.text("read", { path: "alias/a.txt" })).toBe("here");
    expect(await harness.text("read", { path: "a-link.txt" })).toBe("here");
    expect(await harness.text("list", { path: "alias" })).toBe("a.txt");
    await harness.text("write", { path: "alias/b.txt", content: "new" });
    expect(readFileSync(path.join(harness.workspace, "sub", "b.txt"), "utf8")).toBe("new");
    expect(codeOf(await harness.call("write", { path: "a-link.txt", content: "x" }))).toBe("path_outside_workspace");
    expect(codeOf(await harness.call("edit", { path: "a-link.txt", oldText: "here", newText: "x" }))).toBe(
      "path_outside_workspace",
    );
    expect(readFileSync(path.join(harness.workspace, "sub", "a.txt"), "utf8")).toBe("here");
  });

  it.skipIf(WINDOWS)("works in a workspace that is reached through a link", async () => {
    const real = createHarness({ "sub/a.txt": "here" });
    const link = path.join(real.base, "workspace-link");
    symlinkSync(real.workspace, link);
    const harness = createHarness({}, { workspaceDir: link });
    expect(await harness.text("read", { path: "sub/a.txt" })).toBe("here");
    expect(await harness.text("read", { path: path.join(link, "sub", "a.txt") })).toBe("here");
    expect(await harness.text("read", { path: path.join(real.workspace, "sub", "a.txt") })).toBe("here");
    await harness.text("write", { path: path.join(link, "b.txt"), content: "new" });
    expect(await harness.text("find", { pattern: "**" })).toBe("b.txt\nsub/a.txt");
    expect(await harness.text("search", { pattern: "here", path: "sub" })).toBe("sub/a.txt:1: here");
    expect(codeOf(await harness.call("read", { path: path.join(link, "..", "outside", "canary.txt") }))).toBe(
      "path_outside_workspace",
    );
  });

  it("no path given to any tool touches anything outside", { timeout: 120_000 }, async () => {
    const harness = guarded();
    const before = treeOf(harness.base, harness.workspace);
    const part = fc.constantFrom(
      ...["..", ".", "", "sub", "deep", "up", "a.txt", "canary.txt", "outside", "workspace", "link-to-folder"],
      ...[
        "link-to-file",
        "link-to-link",
        "dangling",
        "hard-link.txt",
        "~",
        "C:",
        "\\\\x",
        "..\\..",
        "file:",
        "\0",
        " ",
      ],
      ...["%2e%2e", "．．", "new", harness.base, harness.outside, harness.workspace, "\u202e", "con", "a.txt:ads"],
    );
    const separator = fc.constantFrom("/", "\\", "//", "/./");
    const crafted = fc
      .array(fc.tuple(part, separator), { minLength: 1, maxLength: 7 })
      .map((parts) => parts.map(([one, between]) => one + between).join(""))
      .chain((joined) => fc.constantFrom(joined, joined.replace(/[\\/.]+$/, ""), `/${joined}`, `${joined}x.txt`));
    const anyPath = fc.oneof(
      { weight: 4, arbitrary: crafted },
      { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
    );
    await fc.assert(
      fc.asyncProperty(anyPath, fc.constantFrom("read", "write", "edit", "list", "search"), async (given, tool) => {
        const args = { path: given, content: "overwritten", oldText: "canary", newText: "overwritten" };
        const output = await harness.call(tool, { ...args, pattern: "nobody may" });
        expect(textOf(output)).not.toContain("canary: ");
        expect(treeOf(harness.base, harness.workspace)).toEqual(before);
      }),
      { numRuns: 400 },
    );
  });
});

/** A workspace full of ways out. */
function guarded(): Harness {
  const harness = createHarness({ "a.txt": "a", "sub/deep/b.txt": "b" });
  const canary = path.join(harness.outside, "canary.txt");
  linkSync(canary, path.join(harness.workspace, "hard-link.txt"));
  harness.symlink(harness.outside, "link-to-folder", "dir");
  harness.symlink("link-to-folder", "link-to-link", "dir");
  harness.symlink(path.join("..", "..", "..", "outside"), "sub/deep/up", "dir");
  harness.symlink(canary, "link-to-file", "file");
  harness.symlink(path.join(harness.outside, "not-yet.txt"), "dangling", "file");
  mkdirSync(path.join(harness.base, "workspace-twin"));
  writeFileSync(path.join(harness.base, "workspace-twin", "canary.txt"), CANARY);
  return harness;
}

/** Every path below, with the content of files; `except` is left out. */
function treeOf(folder: string, except?: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const full = path.join(folder, entry.name);
    if (full === except) continue;
    if (entry.isDirectory()) Object.assign(tree, { [full]: "folder" }, treeOf(full, except));
    else tree[full] = entry.isFile() ? readFileSync(full, "utf8") : "link";
  }
  return tree;
}
