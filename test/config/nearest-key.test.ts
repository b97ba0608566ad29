import fc from "fast-check";
import { expect, it } from "vitest";
import { editDistance, mostAlike, nearest } from "../../src/config/nearest-key.ts";

const word = fc.string({ minLength: 1, maxLength: 12 });

it("counts no edits between equal words, and the same both ways", () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, a)).toBe(0);
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});

it("counts one for a letter left out, put in, replaced, or swapped with its neighbour", () => {
  for (const slip of ["subagent", "subagentss", "subagemts", "subagnets"])
    expect(editDistance(slip, "subagents")).toBe(1);
});

it("finds a long name again after any one slip", () => {
  const names = ["maxConcurrent", "maxSpawnDepth", "runTimeoutSeconds", "archiveAfterMinutes"];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(12), fc.constantFrom("drop", "double", "swap"), (name, at, slip) => {
      const letters = [...name];
      const index = at % (letters.length - 1);
      if (slip === "drop") letters.splice(index, 1);
      else if (slip === "double") letters.splice(index, 0, letters[index]!);
      else letters.splice(index, 2, letters[index + 1]!, letters[index]!);
      expect(nearest(letters.join(""), names)).toBe(name);
    }),
  );
});

it("offers nothing for a word that is like none", () => {
  expect(nearest("zzz", ["abortMs", "terminateMs"])).toBeUndefined();
  expect(nearest("x", ["a", "b"].concat("y"))).toBe("a");
});

it("puts names that begin alike first", () => {
  expect(mostAlike("claude-opus-9", ["gpt-5", "claude-haiku-4", "claude-opus-4-6"], 2)).toEqual([
    "claude-opus-4-6",
    "claude-haiku-4",
  ]);
});
