import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  columnsOf,
  cutToColumns,
  padToColumns,
  terminalBlock,
  terminalLine,
} from "../../../src/adapters/cli/terminal-text.ts";

describe("text on its way to a terminal", () => {
  it.each([
    ["colours", "\u001b[31mred\u001b[0m", "red"],
    ["a window title", "\u001b]0;owned\u0007after", "after"],
    ["a title ended by ST", "a\u001b]2;owned\u001b\\b", "ab"],
    ["a clipboard write", "x\u001b]52;c;ZXZpbA==\u0007y", "xy"],
    ["a hyperlink", "\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["eight-bit controls", "a\u009b2Jb\u009d0;t\u009cc", "abc"],
    ["a device string", "\u001bPq#0\u001b\\done", "done"],
    ["an unfinished sequence", "text\u001b[", "text"],
    ["a cursor move and a backspace", "safe\u001b[1A\b\b\rgone", "safe gone"],
    ["text-direction overrides", "abc\u202Etxt.exe\u2066", "abctxt.exe"],
    ["line breaks and tabs", "  one\n\ttwo\u2028three  ", "one two three"],
    ["a lone surrogate", "a\ud800b", "a\ufffdb"],
  ])("keeps %s out of a line", (_, dirty, clean) => {
    expect(terminalLine(dirty)).toBe(clean);
  });

  it("keeps line breaks, tabs, emoji and scripts in a block", () => {
    const text = "# Title\n\n\tindented – ünïcödé 漢字 👩‍👩‍👧 می‌خواهم\n";
    expect(terminalBlock(text)).toBe(text);
    expect(terminalBlock("one\r\ntwo\u001b[2J\u0007 \u202Ethree")).toBe("one\ntwo three");
  });

  it("leaves no control character in any line or block, whatever goes in", () => {
    fc.assert(
      fc.property(hostileText(), (text) => {
        expect(terminalLine(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(terminalBlock(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it("takes time in proportion to the text for a hostile block", () => {
    const hostile = ["\u001b]".repeat(300_000), `\u001b[${"0;".repeat(300_000)}`, "\u001bP".repeat(300_000)];
    for (const text of hostile) expect(terminalBlock(text).length).toBeLessThan(text.length);
  });

  it("cuts to no more columns than asked, for any text and width", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), fc.integer({ min: 0, max: 60 }), (text, width) => {
        const line = terminalLine(text);
        expect(columnsOf(cutToColumns(line, width))).toBeLessThanOrEqual(width);
        expect(columnsOf(padToColumns(line, width))).toBe(width);
      }),
    );
  });

  it("counts wide characters as two columns and marks as none", () => {
    expect(columnsOf("abc")).toBe(3);
    expect(columnsOf("漢字")).toBe(4);
    expect(columnsOf("é")).toBe(1);
    expect(columnsOf("├─ ● …")).toBe(6);
    expect(cutToColumns("漢字漢字", 5)).toBe("漢字…");
  });
});

function hostileText(): fc.Arbitrary<string> {
  const pieces = [
    "\u001b[",
    "\u001b]",
    "\u001b",
    "\u009b",
    "\u0007",
    "\u001b\\",
    "0;1m",
    "\r",
    "\n",
    "\u202e",
    "\u0000",
    "\u007f",
    "text",
    "漢",
  ];
  return fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 30 })
    .map((parts) => parts.join(""));
}
