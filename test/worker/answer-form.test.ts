import { describe, expect, it } from "vitest";

import { NOT_IN_TIME } from "../../src/channel/not-in-time.ts";
import type { EngineResult } from "../../src/channel/protocol.ts";
import { noUsage } from "../../src/usage.ts";
import { answerForm } from "../../src/worker/answer-form.ts";

const POINT = {
  type: "object",
  properties: { x: { type: "number" }, y: { type: "integer", minimum: 0 } },
  required: ["x", "y"],
  additionalProperties: false,
};

describe("an answer that fits its schema", () => {
  it.each<[string, string]>([
    ["as it stands", `{"x": 1.5, "y": 2}`],
    ["with white space around it", `\n  {"x":1.5,"y":2}\n`],
    ["in a block of code", '```json\n{"x": 1.5, "y": 2}\n```'],
    ["in a block of code with words around it", 'Here it is:\n\n```\n{"x": 1.5,\n "y": 2}\n```\nThat is all.'],
  ])("is found %s", (_where, text) => {
    expect(judge(POINT, text)).toEqual({ ...ok(text), structured: { x: 1.5, y: 2 } });
  });

  it("may be any JSON value", () => {
    for (const value of [null, false, 0, "", [], {}, "text"]) {
      expect(judge({}, JSON.stringify(value))).toMatchObject({ structured: value });
    }
  });

  it("is the engine's own value where it gives one", () => {
    expect(answerForm(POINT).judge({ ...ok("see there"), structured: { x: 1, y: 1 } })).toMatchObject({
      text: "see there",
      structured: { x: 1, y: 1 },
    });
  });
});

describe("an answer that doesn't fit", () => {
  it.each<[string, object, string, RegExp]>([
    ["no JSON", POINT, "It is at 1, 2.", /no JSON value/],
    ["nothing at all", POINT, "", /no JSON value/],
    ["several blocks of code", POINT, "```\n1\n```\n```\n2\n```", /no JSON value/],
    ["a wrong type", POINT, `{"x":"1","y":2}`, /#\/x .*"string".*"number"/],
    ["a part missing", POINT, `{"x":1}`, /# .*"y"/],
    ["a part too many", POINT, `{"x":1,"y":2,"z":3}`, /"z"/],
    ["a number too small", POINT, `{"x":1,"y":-1}`, /#\/y -1/],
    ["what if and then ask for", { if: { type: "string" }, then: { minLength: 3 } }, `"ab"`, /too short/],
    ["what `not` keeps out", { not: { type: "null" } }, "null", /not/],
    ["what a dependent part needs", { dependentRequired: { a: ["b"] } }, `{"a":1}`, /"b"/],
    ["a property nobody has looked at", { properties: { a: {} }, unevaluatedProperties: false }, `{"b":1}`, /"b"/],
    ["a choice of none", { oneOf: [{ type: "string" }, { type: "null" }] }, "5", /exactly one/],
    ["a pattern", { pattern: "^a+$" }, `"b"`, /pattern/],
  ])("has no structured value, and says why in one line: %s", (_what, schema, text, why) => {
    const { structured, schemaError, ...rest } = judge(schema, text);
    expect(structured).toBeUndefined();
    expect(schemaError).toMatch(why);
    expect(schemaError).not.toContain("\n");
    expect(rest).toEqual(ok(text));
  });

  it("is told of a few faults, the innermost ones, and of how many more there are", () => {
    const list = { type: "array", items: { type: "string" } };
    const { schemaError } = judge(list, JSON.stringify(Array.from({ length: 20 }, (_, n) => n)));
    expect(schemaError).toContain("#/0 ");
    expect(schemaError).toContain("And 15 more.");
    expect(schemaError).not.toContain("Items did not match");
  });

  it("is told of its fault in a sentence of bounded length, whatever the schema holds", () => {
    const { schemaError } = judge({ enum: ["x".repeat(50_000)] }, `"y"`);
    expect(schemaError!.length).toBeLessThan(1000);
  });

  it("is one that is larger than is kept", () => {
    expect(judge({}, JSON.stringify("x".repeat(262_144))).schemaError).toMatch(/262146 bytes.*262144/);
    expect(judge({}, JSON.stringify("x".repeat(262_142)))).toHaveProperty("structured");
  });

  it("is the engine's own value too, whatever the text says", () => {
    const judged = answerForm(POINT).judge({ ...ok(`{"x":1,"y":1}`), structured: { x: 1 } });
    expect(judged.structured).toBeUndefined();
    expect(judged.schemaError).toContain('"y"');
  });

  it("is one that the schema would be followed for ever with", () => {
    const endless = { type: ["null", "string"], if: { type: "string" }, then: { $ref: "#" } };
    expect(judge(endless, `"a"`).schemaError).toMatch(/can't be held against/);
    expect(judge(endless, "null")).toHaveProperty("structured", null);
  });
});

describe("what can't be judged", () => {
  it("is said beside the text and the usage: a pattern that is tried for ever", () => {
    const text = JSON.stringify(`${"a".repeat(60)}!`);
    const form = answerForm({ type: "string", pattern: "^(a+)+$" }, 50);
    const began = performance.now();
    // The second time V8 has made machine code of the pattern.
    for (const _time of [1, 2]) expect(form.judge(ok(text))).toEqual({ ...ok(text), schemaError: NOT_IN_TIME });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(form.judge(ok(`"aaa"`))).toHaveProperty("structured", "aaa");
  });

  it("is refused where the schema alone would be followed for ever", () => {
    const twice = (name: string): object => ({ allOf: [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}` }] });
    const $defs = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`d${n}`, twice(`d${n + 1}`)]));
    expect(() => answerForm({ ...twice("d0"), $defs: { ...$defs, d40: {} } }, 50)).toThrow(
      expect.objectContaining({
        code: "params_invalid",
        message: "outputSchema can't be used: it can't be followed to its end in 0.05 s.",
      }),
    );
  });

  it("is said too of an answer nested so deep that it couldn't be kept", () => {
    const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
    for (const levels of [501, 20_000, 100_000]) {
      const { schemaError, ...rest } = judge({}, nested(levels));
      expect(schemaError).toBe("The answer is nested deeper than 500 levels.");
      expect(rest).toEqual(ok(nested(levels)));
    }
    expect(judge({}, nested(500))).toHaveProperty("structured");
  });

  it.each<[string, unknown, RegExp]>([
    ["a getter that throws", Object.defineProperty({}, "a", { enumerable: true, get: () => raise("no a") }), /no a$/],
    ["a number that is none", { a: [NaN] }, /a number too large/],
    ["a part that isn't there", [undefined], /holds undefined, no JSON/],
    ["a large integer", 5n, /holds bigint, no JSON/],
  ])("is said of an engine's own value: %s", (_what, structured, why) => {
    const { schemaError, ...rest } = answerForm({}).judge({ ...ok("said"), structured });
    expect(schemaError).toMatch(why);
    expect(rest).toEqual(ok("said"));
  });

  it("is a number that would be written as null", () => {
    for (const text of ["1e999", `{"a":[-1e999]}`]) {
      expect(judge({}, text)).toEqual({ ...ok(text), schemaError: "The answer holds a number too large to be kept." });
    }
  });
});

it("a turn that didn't end well isn't judged", () => {
  const failed: EngineResult = { ...ok("half an ans"), status: "aborted" };
  expect(answerForm(POINT).judge(failed)).toBe(failed);
});

it("a schema says itself which draft it is of", () => {
  // What stands beside a reference counts from 2019 on.
  const schema = { $ref: "#/definitions/short", maxLength: 1, definitions: { short: { type: "string" } } };
  const fits = ($schema?: string): boolean =>
    judge({ ...($schema === undefined ? {} : { $schema }), ...schema }, `"abc"`).schemaError === undefined;
  expect(fits("http://json-schema.org/draft-04/schema#")).toBe(true);
  expect(fits("http://json-schema.org/draft-07/schema#")).toBe(true);
  expect(fits("https://json-schema.org/draft/2019-09/schema")).toBe(false);
  expect(fits("https://json-schema.org/draft/2020-12/schema")).toBe(false);
  expect(fits("https://example.com/ours")).toBe(false);
  expect(fits()).toBe(false);
});

it("its model is told of the schema as it was given", () => {
  const { section } = answerForm(POINT);
  expect(section).toMatch(/^# /);
  expect(section).toContain(JSON.stringify(POINT));
});

function judge(schema: object, text: string): EngineResult {
  return answerForm(schema as Record<string, unknown>).judge(ok(text));
}

function ok(text: string): EngineResult {
  return { status: "ok", text, usage: noUsage() };
}

function raise(message: string): never {
  throw new Error(message);
}
