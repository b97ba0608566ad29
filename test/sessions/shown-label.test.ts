import { expect, it } from "vitest";

import { labelOf, oneLine } from "../../src/sessions/shown-label.ts";

it("a label is one line, whatever it has in it", () => {
  const breaks = ["\n", "\r\n", "\u2028", "\u2029", "\u0085", "\u000b", "\u001b", "\u0000", " \t "];
  for (const between of breaks) expect(labelOf({ label: `a${between}b`, task: "x" })).toBe("a b");
});

it("what would turn the reading direction of the rest is left out", () => {
  for (const turn of ["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"]) {
    expect(oneLine(`${turn}a${turn}b${turn}`)).toBe("a b");
  }
  expect(oneLine("שלום, مرحبا 👩‍👩‍👧")).toBe("שלום, مرحبا 👩‍👩‍👧");
});

it("the beginning of the task stands for a label that isn't there, or has nothing to be seen", () => {
  const task = `count\nthe ${"words ".repeat(20)}`;
  expect(labelOf({ task })).toMatch(/^count the words .*…$/);
  expect(labelOf({ task })).toHaveLength(60);
  expect(labelOf({ label: "\u202e\n", task: "count" })).toBe("count");
});
