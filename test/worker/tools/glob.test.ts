import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob } from "../../../src/worker/tools/glob.ts";

describe("compileGlob", () => {
  it.each([
    ["*.ts", "a.ts", true],
    ["*.ts", "deep/down/a.ts", true],
    ["*.ts", "a.tsx", false],
    ["src/*.ts", "src/a.ts", true],
    ["src/*.ts", "src/sub/a.ts", false],
    ["src/*.ts", "other/src/a.ts", false],
    ["./src/*.ts", "src/a.ts", true],
    ["/src/*.ts", "src/a.ts", true],
    ["src/**/*.ts", "src/a.ts", true],
    ["src/**/*.ts", "src/x/y/a.ts", true],
    ["**/test/**", "test/a", true],
    ["**/test/**", "x/test/y/z", true],
    ["**/test/**", "x/tests/y", false],
    ["**", "anything/at/all", true],
    ["src/", "src/a/b.ts", true],
    ["src/**", "src", false],
    ["*.{ts,js}", "x/a.js", true],
    ["{src,test}/**/{a,b}.ts", "test/x/b.ts", true],
    ["{src,test}/**/{a,b}.ts", "test/x/c.ts", false],
    ["{a{b,c},d}.ts", "ac.ts", true],
    ["file?.txt", "file1.txt", true],
    ["file?.txt", "file.txt", false],
    ["?.txt", "🎉.txt", true],
    ["[a-c]x", "bx", true],
    ["[a-c]x", "-x", false],
    ["[!a-c]x", "bx", false],
    ["[!a-c]x", "dx", true],
    ["[]x]", "]", true],
    ["a[", "a[", true],
    ["a{", "a{", true],
    ["{a}", "{a}", true],
    ["\\*.ts", "*.ts", true],
    ["\\*.ts", "a.ts", false],
    ["*.yml", ".github/workflows/ci.yml", true],
    [".*", ".gitignore", true],
    ["(a+b).txt", "(a+b).txt", true],
    ["größe.txt", "gro\u0308ße.txt", true],
    ["A.TS", "a.ts", false],
  ])("%s and %s: %s", (pattern, file, expected) => {
    expect(compileGlob(pattern)(file)).toBe(expected);
  });

  it("agrees with Node's own globs where both mean the same", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
    const part = fc.oneof(
      fc.constant("**"),
      fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]"), minLength: 1, maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        fc
          .array(part, { minLength: 1, maxLength: 4 })
          .filter((parts) => parts.every((one) => one === "**" || !one.includes("**"))),
        fc.array(name, { minLength: 1, maxLength: 5 }),
        (parts, names) => {
          // A first part that matches nothing by itself keeps both from looking at the name alone.
          const pattern = ["x", ...parts].join("/");
          const file = ["x", ...names].join("/");
          expect(compileGlob(pattern)(file)).toBe(path.posix.matchesGlob(file, pattern));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("answers at once for patterns made to go back and forth", () => {
    const nasty = compileGlob(`${"*a".repeat(60)}b`);
    const deep = compileGlob(`${"**/a/".repeat(60)}b`);
    expect(nasty("a".repeat(250))).toBe(false);
    expect(deep(`${"a/".repeat(120)}c`)).toBe(false);
  });

  it("refuses patterns that are empty, too long or stand for too many", () => {
    for (const pattern of ["", " ", "x".repeat(501), "{a,b}".repeat(20)]) {
      expect(() => compileGlob(pattern)).toThrow(expect.objectContaining({ code: "params_invalid" }));
    }
  });
});
