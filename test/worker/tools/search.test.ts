import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { codeOf, createHarness, textOf } from "./harness.ts";

describe("search", () => {
  it("gives path, line number and text of each match", async () => {
    const harness = createHarness({
      "src/a.ts": "one\nimport x\n",
      "b.md": "import y\r\n",
      "日本語.txt": "no\nimport ü",
    });
    const output = await harness.call("search", { pattern: "^import \\w?" });
    expect(textOf(output)).toBe("b.md:1: import y\nsrc/a.ts:2: import x\n日本語.txt:2: import ü");
    expect(output.details).toEqual({ matches: 3, files: 3, searched: 3, binary: 0, unreadable: 0, complete: true });
  });

  it("searches one file, one folder, or the files a glob names", async () => {
    const harness = createHarness({ "a.ts": "hit", "src/b.ts": "hit", "src/c.md": "hit" });
    expect(await harness.text("search", { pattern: "hit", path: "src/c.md" })).toBe("src/c.md:1: hit");
    expect(await harness.text("search", { pattern: "hit", path: "src" })).toBe("src/b.ts:1: hit\nsrc/c.md:1: hit");
    expect(await harness.text("search", { pattern: "hit", glob: "*.ts" })).toBe("a.ts:1: hit\nsrc/b.ts:1: hit");
    expect(await harness.text("search", { pattern: "hit", path: "src", glob: "b.*" })).toBe("src/b.ts:1: hit");
  });

  it("takes a text as it is, and small letters for capital ones", async () => {
    const harness = createHarness({ "a.txt": "a.b(c\naxb(c\nA.B(C\n" });
    expect(await harness.text("search", { pattern: "a.b(c", literal: true })).toBe("a.txt:1: a.b(c");
    const both = "a.txt:1: a.b(c\na.txt:3: A.B(C";
    expect(await harness.text("search", { pattern: "a.b(C", literal: true, ignoreCase: true })).toBe(both);
    expect(await harness.text("search", { pattern: "a\\.b", ignoreCase: true })).toBe(both);
    expect(await harness.text("search", { pattern: "(?i)a\\.b" })).toBe(both);
  });

  it("shows lines around a match, and a gap between groups", async () => {
    const harness = createHarness({ "a.txt": "1\n2\nhit 3\n4\nhit 5\n6\n7\n8\n9\nhit 10\n" });
    expect(await harness.text("search", { pattern: "hit", context: 1 })).toBe(
      [
        "a.txt-2- 2",
        "a.txt:3: hit 3",
        "a.txt-4- 4",
        "a.txt:5: hit 5",
        "a.txt-6- 6",
        "--",
        "a.txt-9- 9",
        "a.txt:10: hit 10",
      ].join("\n"),
    );
  });

  it("stops at 100 matches, or at the limit that was asked for, and says so", async () => {
    const harness = createHarness({ "a.txt": "hit\n".repeat(80), "b.txt": "hit\n".repeat(80) });
    const lines = (await harness.text("search", { pattern: "hit" })).split("\n");
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain("stopped at match 100");
    const output = await harness.call("search", { pattern: "hit", limit: 2, context: 1 });
    expect(textOf(output).split("\n")).toEqual([
      "a.txt:1: hit",
      "a.txt:2: hit",
      "a.txt-3- hit",
      expect.stringContaining("stopped at match 2"),
    ]);
    expect(output.details).toMatchObject({ matches: 2, files: 1, complete: false });
  });

  it("cuts long lines and says how many", async () => {
    const harness = createHarness({ "a.txt": `hit ${"x".repeat(700)}\n` });
    const [line, note] = (await harness.text("search", { pattern: "hit" })).split("\n");
    expect(line).toBe(`a.txt:1: hit ${"x".repeat(496)}…`);
    expect(note).toBe("[1 long line cut at 500 characters; read shows them]");
  });

  it("skips binary and ignored files, .git and node_modules", async () => {
    const harness = createHarness({ ".gitignore": "out/\n", "out/a": "hit", "node_modules/m": "hit", ".git/x": "hit" });
    harness.write("image.png", Buffer.from("hit\0hit"));
    const output = await harness.call("search", { pattern: "hit" });
    expect(textOf(output)).toBe("[no line of 1 file matches hit]");
    expect(output.details).toMatchObject({ matches: 0, binary: 1 });
  });

  it("finds what lies across the pieces a large file is read in", async () => {
    const harness = createHarness();
    const filler = `${"é".repeat(50)}\n`;
    harness.write("large.txt", `${filler.repeat(150_000)}the needle\n${filler.repeat(1000)}last needle`);
    expect(await harness.text("search", { pattern: "needle$" })).toBe(
      "large.txt:150001: the needle\nlarge.txt:151002: last needle",
    );
  });

  it("gets over a file that is one line of many megabytes", async () => {
    const harness = createHarness();
    harness.write("one-line.txt", `needle ${"x".repeat(12_000_000)} thread\nneedle\n`);
    const lines = (await harness.text("search", { pattern: "needle" })).split("\n");
    expect(lines[1]).toBe("one-line.txt:2: needle");
    expect(await harness.text("search", { pattern: "thread" })).toContain("no line of 1 file");
  });

  it("says what is wrong with a pattern", async () => {
    const harness = createHarness({ "a.txt": "a" });
    const cases: [string, string][] = [
      ["(", "Unterminated group"],
      ["a{2,1}", "out of order"],
      ["", "1 to 1000 characters"],
      ["x".repeat(1001), "1 to 1000 characters"],
      ["(?:a{1000}){1000}{1000}", "can't use the pattern"],
    ];
    for (const [pattern, reason] of cases) {
      const output = await harness.call("search", { pattern });
      expect(codeOf(output), pattern).toBe("params_invalid");
      expect(textOf(output)).toContain(reason);
      expect(textOf(output)).not.toContain("\n");
    }
  });

  it("gives up on a pattern that would hold the thread for ever", async () => {
    const harness = createHarness({ "a.txt": `${"a".repeat(60)}b\n`, "b.txt": "aaaa\n" });
    for (const pattern of ["^(a+)+$", "(a|a)*c", "(a*)(a*)(a*)(a*)(a*)(a*)(a*)c", "(a|a)(a|a)(a|a)".repeat(15) + "c"]) {
      const output = await harness.call("search", { pattern });
      expect(codeOf(output), pattern).toBe("params_invalid");
      expect(textOf(output)).toContain("takes too long");
    }
    // The next search isn't the worse for it.
    expect(await harness.text("search", { pattern: "^a+$" })).toBe("b.txt:1: aaaa");
  });

  it("stops when the run is aborted in the middle", async () => {
    const harness = createHarness(
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`f${at}.txt`, "x\n".repeat(500)])),
    );
    const controller = new AbortController();
    const searching = harness.call("search", { pattern: "y" }, controller.signal);
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    controller.abort();
    expect(textOf(await searching)).toBe("search was stopped before it was done.");
  });
});
