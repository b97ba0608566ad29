import { describe, expect, it } from "vitest";

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
