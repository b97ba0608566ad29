import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyEdits } from "../../../src/worker/tools/apply-edits.ts";
import { codeOf, createHarness, textOf, type Harness } from "./harness.ts";

const contentOf = (harness: Harness, file: string): string => readFileSync(path.join(harness.workspace, file), "utf8");

describe("edit", () => {
  it("replaces the one place where the text is", async () => {
    const harness = createHarness({ "a.txt": "one\ntwo\nthree\n" });
    const output = await harness.call("edit", { path: "a.txt", oldText: "two", newText: "2\n2.5" });
    expect(textOf(output)).toBe("Edited a.txt: 1 replacement, the first at line 2.");
    expect(output.details).toEqual({ path: "a.txt", bytes: 16, replacements: 1, firstLine: 2 });
    expect(contentOf(harness, "a.txt")).toBe("one\n2\n2.5\nthree\n");
  });

  it("takes several edits, all found in the file as it came", async () => {
    const harness = createHarness({ "a.txt": "a b c" });
    const edits = [
      { oldText: "c", newText: "a" },
      { oldText: "a", newText: "c" },
    ];
    await harness.text("edit", { path: "a.txt", edits });
    expect(contentOf(harness, "a.txt")).toBe("c b a");
    await harness.text("edit", { path: "a.txt", oldText: "b", newText: "B", edits: [{ oldText: "c ", newText: "" }] });
    expect(contentOf(harness, "a.txt")).toBe("B a");
  });

  it("refuses text that isn't there, is there more than once, overlaps or changes nothing", async () => {
    const harness = createHarness({ "a.txt": "aaa\nb\naaa\nccc\n" });
    const refused = async (args: object, reason: string): Promise<void> => {
      const output = await harness.call("edit", { path: "a.txt", ...args });
      expect(output.isError).toBe(true);
      expect(textOf(output)).toContain(reason);
    };
    await refused({ oldText: "nope", newText: "x" }, `isn't in a.txt: "nope"`);
    await refused({ oldText: "aaa", newText: "x" }, "more than once (lines 1, 3)");
    // Overlapping places count too.
    await refused({ oldText: "cc", newText: "x" }, "more than once (lines 4, 4)");
    await refused({ oldText: "", newText: "x" }, "isn't empty");
    await refused({ oldText: "b", newText: "b" }, "the same");
    const overlapping = [
      { oldText: "aaa\nb", newText: "x" },
      { oldText: "b\n", newText: "y" },
    ];
    await refused({ edits: overlapping }, "overlap");
    await refused({ edits: Array.from({ length: 101 }, () => ({ oldText: "b", newText: "c" })) }, "at most 100");
    expect(contentOf(harness, "a.txt")).toBe("aaa\nb\naaa\nccc\n");
  });

  it("doesn't take patterns in the new text for anything but text", async () => {
    const harness = createHarness({ "a.txt": "price" });
    await harness.text("edit", { path: "a.txt", oldText: "price", newText: "$& $1 $$" });
    expect(contentOf(harness, "a.txt")).toBe("$& $1 $$");
  });

  it("keeps Windows line ends and the byte order mark", async () => {
    const harness = createHarness({ "a.txt": "\uFEFFone\r\ntwo\r\nthree\r\n" });
    await harness.text("edit", { path: "a.txt", oldText: "one\ntwo\n", newText: "1\n2\n2.5\n" });
    expect(contentOf(harness, "a.txt")).toBe("\uFEFF1\r\n2\r\n2.5\r\nthree\r\n");
    harness.write("b.txt", "one\ntwo\n");
    await harness.text("edit", { path: "b.txt", oldText: "one\r\ntwo", newText: "1\r\n2" });
    expect(contentOf(harness, "b.txt")).toBe("1\n2\n");
  });

  it("leaves mixed line ends alone but for what is replaced", async () => {
    const harness = createHarness({ "a.txt": "one\r\ntwo\nthree\r\n" });
    await harness.text("edit", { path: "a.txt", oldText: "two\n", newText: "2\n" });
    expect(contentOf(harness, "a.txt")).toBe("one\r\n2\nthree\r\n");
  });

  it("leaves alone what isn't UTF-8 text or is too large", async () => {
    const harness = createHarness();
    harness.write("latin1.txt", Buffer.from([0x67, 0x72, 0xf6, 0xdf, 0x65]));
    expect(textOf(await harness.call("edit", { path: "latin1.txt", oldText: "gr", newText: "GR" }))).toContain(
      "isn't UTF-8",
    );
    harness.write("large.txt", Buffer.alloc(5 * 1024 * 1024 + 1, "x"));
    expect(codeOf(await harness.call("edit", { path: "large.txt", oldText: "y", newText: "z" }))).toBe(
      "payload_too_large",
    );
    harness.write("growing.txt", Buffer.alloc(5 * 1024 * 1024 - 1, "x"));
    harness.write("growing.txt", Buffer.concat([Buffer.from("y"), Buffer.alloc(5 * 1024 * 1024 - 1, "x")]));
    const grown = await harness.call("edit", { path: "growing.txt", oldText: "y", newText: "yy" });
    expect(codeOf(grown)).toBe("payload_too_large");
  });

  it("never loses one of two edits that meet in a file", async () => {
    const harness = createHarness({ "a.txt": "one two" });
    for (let round = 0; round < 20; round += 1) {
      writeFileSync(path.join(harness.workspace, "a.txt"), "one two");
      const outputs = await Promise.all([
        harness.call("edit", { path: "a.txt", oldText: "one", newText: "1" }),
        harness.call("edit", { path: "a.txt", oldText: "two", newText: "2" }),
      ]);
      const [first, second] = outputs.map((output) => output.isError !== true);
      expect(contentOf(harness, "a.txt")).toBe(`${first ? "1" : "one"} ${second ? "2" : "two"}`);
    }
  });
});

describe("applyEdits", () => {
  it("changes one unique place and nothing else", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "é", " ") });
    fc.assert(
      fc.property(text, text, text, (before, after, newText) => {
        const applied = applyEdits(`${before}<here>${after}`, [{ oldText: "<here>", newText }], "a.txt");
        expect(applied.text).toBe(before + newText + after);
        expect(applied.firstLine).toBe(before.split("\n").length);
      }),
    );
  });
});
