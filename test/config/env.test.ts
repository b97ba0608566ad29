import fc from "fast-check";
import { expect, it } from "vitest";
import { expandKnown, expandVariables } from "../../src/config/env.ts";

it.each([
  ["${A}", { text: "1" }],
  ["x${A}y${A}", { text: "x1y1" }],
  ["$${A}", { text: "${A}" }],
  ["${a} $A {A} ${} ${1A} ${A-}", { text: "${a} $A {A} ${} ${1A} ${A-}" }],
  ["${EMPTY}", { missing: "EMPTY" }],
  ["${A}${NONE}${MORE}", { missing: "NONE" }],
])("reads %s as %j", (text, expected) => {
  expect(expandVariables(text, { A: "1", EMPTY: "", a: "no" })).toEqual(expected);
});

it("puts a value in as it is, whatever stands in it", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (value) => {
      expect(expandVariables("<${A}>", { A: value })).toEqual({ text: `<${value}>` });
    }),
  );
  expect(expandVariables("${A}", { A: "$& ${B} $1", B: "b" })).toEqual({ text: "$& ${B} $1" });
});

it("keeps what isn't known, and escapes, for later", () => {
  expect(expandKnown("${A} ${B} $${A}", { A: "1" })).toBe("1 ${B} $${A}");
});
