import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createHarness, textOf, type Harness } from "./harness.ts";

describe("list", () => {
  it("gives one name a line, sorted, folders with a slash, without .git and node_modules", async () => {
    const harness = createHarness({
      "b.txt": "",
      "a/x": "",
      ".env": "",
      ".git/HEAD": "",
      "node_modules/m/i.js": "",
      "ü.txt": "",
    });
    const output = await harness.call("list", {});
    expect(textOf(output)).toBe(".env\na/\nb.txt\nü.txt");
    expect(output.details).toEqual({ path: ".", entries: 4, total: 4 });
    expect(await harness.text("list", { path: "a" })).toBe("x");
    expect(await harness.text("list", { path: "node_modules" })).toBe("m/");
  });

  it("says how many entries are left out", async () => {
    const harness = createHarness(Object.fromEntries(Array.from({ length: 510 }, (_, at) => [`f${1000 + at}`, ""])));
    const lines = (await harness.text("list", {})).split("\n");
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toBe("[500 of 510 entries; raise limit for more]");
    expect((await harness.text("list", { limit: 3 })).split("\n").at(-1)).toBe(
      "[3 of 510 entries; raise limit for more]",
    );
    expect((await harness.text("list", { limit: 600 })).split("\n")).toHaveLength(510);
  });

  it("says that a folder is empty, missing, or a file", async () => {
    const harness = createHarness({ "a.txt": "", "empty/.git/HEAD": "" });
    expect(await harness.text("list", { path: "empty" })).toBe("[empty is empty]");
    expect(textOf(await harness.call("list", { path: "a.txt" }))).toBe("list: a.txt is a file; read shows it.");
    expect(textOf(await harness.call("list", { path: "nope" }))).toContain("There is no nope");
  });

  it.skipIf(process.platform === "win32")("keeps a name with a line break in it on one line", async () => {
    const harness = createHarness({ "two\nlines": "" });
    expect(await harness.text("list", {})).toBe("two\\x0alines");
  });
});

describe("find", () => {
  it("gives paths relative to the workspace with forward slashes, sorted", async () => {
    const harness = createHarness({ "src/b.ts": "", "src/a/c.ts": "", "d.ts": "", "e.js": "" });
    const output = await harness.call("find", { pattern: "*.ts" });
    expect(textOf(output)).toBe("d.ts\nsrc/a/c.ts\nsrc/b.ts");
    expect(output.details).toEqual({ files: 3, total: 3, complete: true });
    expect(await harness.text("find", { pattern: "a/*", path: "src" })).toBe("src/a/c.ts");
    expect(await harness.text("find", { pattern: "*.md" })).toBe("[no file matches *.md]");
  });

  it("leaves out .git, node_modules and what .gitignore files say, but not what is asked for by name", async () => {
    const harness = createHarness({
      ".gitignore": "dist/\n*.log\n!keep.log\n/only-here.txt\n",
      "dist/a.js": "",
      "x.log": "",
      "keep.log": "",
      "only-here.txt": "",
      "sub/only-here.txt": "",
      "sub/.gitignore": "secret.txt\n!x.log\n",
      "sub/secret.txt": "",
      "sub/x.log": "",
      "sub/deep/secret.txt": "",
      "node_modules/m/index.js": "",
      ".git/config": "",
    });
    const all = ".gitignore\nkeep.log\nsub/.gitignore\nsub/only-here.txt\nsub/x.log";
    expect(await harness.text("find", { pattern: "**" })).toBe(all);
    expect(await harness.text("find", { pattern: "**", path: "sub/deep" })).toBe("[no file matches **]");
    expect(await harness.text("find", { pattern: "**", path: "dist" })).toBe("dist/a.js");
    expect(await harness.text("find", { pattern: "**", path: "node_modules" })).toBe("node_modules/m/index.js");
  });

  it("doesn't hang on a .gitignore made to go back and forth", async () => {
    const harness = createHarness({ ".gitignore": `${"**/a/".repeat(20)}b\n*.log\n`, [DEEP]: "", "x.log": "" });
    expect(await harness.text("find", { pattern: "**" })).toBe(`.gitignore\n${DEEP}`);
  });

  it.skipIf(process.platform === "win32")("tells links without following them, and survives circles", async () => {
    const harness = createHarness({ "a/b.txt": "" });
    harness.symlink(".", "a/circle");
    harness.symlink(path.join("..", "a"), "a/again");
    expect(await harness.text("find", { pattern: "**" })).toBe("a/again\na/b.txt\na/circle");
  });

  it("says how many of all files it gave", async () => {
    const harness = createHarness(
      Object.fromEntries(Array.from({ length: 1010 }, (_, at) => [`d${at % 7}/f${at}`, ""])),
    );
    const lines = (await harness.text("find", { pattern: "f*" })).split("\n");
    expect(lines).toHaveLength(1001);
    expect(lines.at(-1)).toBe("[1000 of 1010 files; narrow the pattern or raise limit]");
    expect((await harness.text("find", { pattern: "f*", limit: 2 })).split("\n").at(-1)).toContain("[2 of 1010 files");
  });

  it("says what is wrong with a pattern or a path", async () => {
    const harness = createHarness({ "a.txt": "" });
    expect(textOf(await harness.call("find", { pattern: "" }))).toContain("pattern");
    expect(textOf(await harness.call("find", { pattern: "*", path: "a.txt" }))).toContain("a.txt is a file");
  });

  it("stops when the run is aborted", async () => {
    const harness: Harness = createHarness(
      Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`d${at}/sub/f`, ""])),
    );
    const controller = new AbortController();
    const finding = harness.call("find", { pattern: "**" }, controller.signal);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    controller.abort();
    expect(textOf(await finding)).toBe("find was stopped before it was done.");
  });
});

const DEEP = `${"a/".repeat(50)}c`;
