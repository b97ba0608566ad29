import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { anyOf, singleStars } from "../src/glob.ts";

/** Few letters, so that patterns and texts often meet; what means something in an expression, and a line's end, too. */
const letters = ["a", "b", ".", "\n", "😀", "("];
const text = fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
const pattern = fc.string({ unit: fc.constantFrom(...letters, "*", "*"), maxLength: 8 });

describe("a list of patterns", () => {
  it("is fitted by what one of them stands for, letter by letter", () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 3 }), text, (patterns, name) => {
        expect(anyOf(patterns)(name)).toBe(patterns.some((one) => fits(one, name)));
      }),
      { numRuns: 3_000 },
    );
  });

  it("lets no letter stand for two parts", () => {
    const fitted = (one: string) => ["a", "aa", "aba", "ab", "ababa"].filter(anyOf([one]));
    expect(fitted("a*a")).toEqual(["aa", "aba", "ababa"]);
    expect(fitted("ab*ba*")).toEqual(["ababa"]);
    expect(fitted("*aba*aba*")).toEqual([]);
    expect(fitted("*b*a")).toEqual(["aba", "ababa"]);
    expect(fitted("*a*a")).toEqual(["aa", "aba", "ababa"]);
  });

  it("of nothing is fitted by nothing", () => {
    expect(["", "a"].filter(anyOf([]))).toEqual([]);
  });

  it("is held against a long text at once, however many stars", () => {
    const long = "a".repeat(100_000);
    expect(anyOf([`${"*".repeat(100)}!`, `${"*a".repeat(100)}!`])(long)).toBe(false);
    expect(anyOf([`${"*a".repeat(100)}*`])(long)).toBe(true);
  });

  it("of 100,000 is held against 1,000 texts", () => {
    const fitted = anyOf(Array.from({ length: 100_000 }, (_, index) => `q${index}`));
    expect(Array.from({ length: 1_000 }, (_, index) => `q${index * 200}`).filter(fitted)).toHaveLength(500);
  });
});

it("stars in a row and one of them stand for the same", () => {
  fc.assert(
    fc.property(pattern, text, (one, name) => {
      expect(singleStars(one)).not.toContain("**");
      expect(anyOf([singleStars(one)])(name)).toBe(anyOf([one])(name));
    }),
    { numRuns: 1_000 },
  );
});

function fits(one: string, name: string): boolean {
  if (one === "") return name === "";
  if (one[0] === "*") return fits(one.slice(1), name) || (name !== "" && fits(one, name.slice(1)));
  return one[0] === name[0] && fits(one.slice(1), name.slice(1));
}
