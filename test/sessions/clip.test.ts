import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { clip, wholeStart } from "../../src/sessions/clip.ts";

/** Texts of whole characters, many of which take two places. */
const text = fc.string({ unit: fc.constantFrom("a", "é", "한", "😀", "𝒳", "\n"), maxLength: 12 });

describe("the beginning of a text", () => {
  test("is the text itself where it is short enough, else as much of it as makes whole characters", () => {
    fc.assert(
      fc.property(text, fc.nat(14), (given, length) => {
        const start = wholeStart(given, length);
        expect(given.startsWith(start)).toBe(true);
        expect(start.isWellFormed()).toBe(true);
        // Only a character that would be halved is left out.
        if (given.length <= length) expect(start).toBe(given);
        else expect(length - start.length).toBe(given.slice(0, length).isWellFormed() ? 0 : 1);
      }),
    );
  });

  test.each([
    ["ab😀", 4, "ab😀"],
    ["ab😀", 3, "ab"],
    ["ab😀", 2, "ab"],
    ["😀😀", 2, "😀"],
    ["😀", 1, ""],
    ["ab", 0, ""],
    // The first and the last that begin a pair, and what lies beside them.
    ["\ud7ffx", 1, "\ud7ff"],
    ["\ud800\udc00x", 1, ""],
    ["\udbff\udfffx", 1, ""],
    ["\ue000x", 1, "\ue000"],
    ["\udc00x", 1, "\udc00"],
    // Half a character that was given so isn't a cut's.
    ["a\ud800", 2, "a\ud800"],
  ])("of %j up to %i places is %j", (given, length, expected) => {
    expect(wholeStart(given, length)).toBe(expected);
  });
});

describe("a clipped text", () => {
  test("is never longer than it may be, and says with … that something is missing, and only then", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 14 }), (given, max) => {
        const clipped = clip(given, max);
        if (given.length <= max) {
          expect(clipped).toBe(given);
          return;
        }
        expect(clipped.length).toBeLessThanOrEqual(max);
        expect(clipped.length).toBeGreaterThanOrEqual(max - 1);
        expect(clipped.endsWith("…")).toBe(true);
        expect(given.startsWith(clipped.slice(0, -1))).toBe(true);
        expect(clipped.isWellFormed()).toBe(true);
      }),
    );
  });

  test.each([
    ["abc", 3, "abc"],
    ["abcd", 3, "ab…"],
    ["a😀bc", 3, "a…"],
    ["ab", 1, "…"],
    ["", 1, ""],
  ])("of %j up to %i places is %j", (given, max, expected) => {
    expect(clip(given, max)).toBe(expected);
  });
});
