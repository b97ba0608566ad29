import fc from "fast-check";
import { expect, it } from "vitest";

import { answerForm } from "../../src/worker/answer-form.ts";
import { schemaFault } from "../../src/worker/schema-fault.ts";

const EVERYTHING = {
  $defs: { a: true },
  properties: { a: false },
  patternProperties: { "^b": {} },
  dependentSchemas: { a: {} },
  dependentRequired: { a: ["b"] },
  additionalProperties: false,
  propertyNames: { minLength: 0, maxLength: 9 },
  required: ["a"],
  items: {},
  prefixItems: [true, {}],
  contains: {},
  minContains: 0,
  uniqueItems: true,
  oneOf: [{}],
  if: {},
  then: true,
  else: {},
  minimum: -1.5,
  exclusiveMaximum: 1e9,
  multipleOf: 0.5,
};

it.each<[string, Record<string, unknown>, RegExp]>([
  ["a type nobody knows", { properties: { a: { type: "strng" } } }, /"strng" is no type at #\/properties\/a$/],
  ["one such type among others", { type: ["null", "int"] }, /"int" is no type at its root$/],
  ["a way that leads nowhere", { items: { $ref: "#/$defs/no" } }, /\$ref "#\/\$defs\/no" leads nowhere .*#\/items$/],
  ["a way out of the schema", { $ref: "https://example.com/other.json" }, /leads nowhere/],
  ["a pattern that is none", { properties: { a: { pattern: "(" } } }, /"\(" is no regular expression/],
  ["a name pattern that is none", { patternProperties: { "[": {} } }, /"\[" is no regular expression/],
  ["a list that is none", { required: "a" }, /required is no list/],
  ["a choice that is none", { anyOf: {} }, /anyOf is no list/],
  ["properties that are none", { properties: ["a"] }, /properties is no object/],
  ["nothing but a way back to itself", { $ref: "#" }, /leads back to itself/],
  ["a way that nobody follows", { items: { $dynamicRef: "#m" } }, /^\$dynamicRef, .* stands at #\/items$/],
  ["another such way", { $recursiveRef: "#" }, /^\$recursiveRef, .* stands at its root$/],
  ["a way that is no address", { $ref: 5 }, /./],
  ["a property without a schema", { properties: { a: null } }, /^properties is no object of schemas at its root$/],
  ["items that are no schema", { properties: { a: { items: 5 } } }, /^items is no schema at #\/properties\/a$/],
  ["a choice among what isn't schemas", { anyOf: [{}, 5] }, /^anyOf is no list of schemas/],
  ["a negation of nothing", { not: null }, /^not is no schema/],
  ["names that are none", { required: ["a", 1] }, /^required is no list of names/],
  ["dependent names that are none", { dependentRequired: { a: "b" } }, /^dependentRequired is no object of lists/],
  ["a smallest number that is none", { minimum: "x" }, /^minimum is no number/],
  ["a bound of another draft", { minimum: 1, exclusiveMinimum: true }, /^exclusiveMinimum is no bound/],
  ["half a count", { maxItems: 1.5 }, /^maxItems is no count/],
  ["less than nothing", { minLength: -1 }, /^minLength is no count/],
  ["an id that is no address", { $id: "http://[" }, /./],
])("%s is found", (_what, schema, fault) => {
  expect(schemaFault(schema)).toMatch(fault);
  expect(schemaFault(schema)).not.toContain("\n");
  expect(() => answerForm(schema)).toThrow(/^outputSchema can't be used: .*\.$/);
});

it.each<[string, Record<string, unknown>]>([
  ["an empty one", {}],
  ["one that names its parts", { $defs: { a: { type: "string" } }, properties: { x: { $ref: "#/$defs/a" } } }],
  ["one that is like itself further in", { type: "object", properties: { next: { $ref: "#" } } }],
  ["one with a name of its own", { $id: "https://example.com/a.json", items: { $ref: "#/$defs/b" }, $defs: { b: {} } }],
  ["one whose values look like schemas", { const: { type: "strng" }, enum: [{ type: "x" }], default: { $ref: "?" } }],
  ["one of everything", { ...EVERYTHING }],
  [
    "one of the fourth draft",
    { $schema: "http://json-schema.org/draft-04/schema#", minimum: 1, exclusiveMinimum: true, items: [{}, {}] },
  ],
  ["one with words nobody knows", { "x-note": "fine", type: "string" }],
])("%s is read, and left as it is", (_what, schema) => {
  const before = structuredClone(schema);
  expect(schemaFault(schema)).toBeUndefined();
  expect(schema).toEqual(before);
  expect(Reflect.ownKeys(schema)).toEqual(Reflect.ownKeys(before));
});

it("whatever a model sends for a schema, it is read or refused in one line", () => {
  const words = fc.constantFrom(
    "type",
    "properties",
    "items",
    "anyOf",
    "not",
    "$ref",
    "pattern",
    "enum",
    "required",
    "if",
  );
  const schema = fc.dictionary(words, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
  fc.assert(
    fc.property(schema, fc.jsonValue(), (given, value) => {
      let form;
      try {
        form = answerForm(given);
      } catch (error) {
        expect((error as { code?: string }).code).toBe("params_invalid");
        return;
      }
      const text = JSON.stringify(value);
      const usage = {
        input: 0,
        output: 0,
        cacheRead: 0,
        cacheWrite: 0,
        totalTokens: 0,
        costUsd: 0,
        turns: 0,
        toolCalls: 0,
      };
      const { structured, schemaError } = form.judge({ status: "ok", text, usage });
      if (schemaError === undefined) expect(structured).toEqual(JSON.parse(text));
      else expect(schemaError).toMatch(/^The answer [^\n]+$/);
    }),
    { numRuns: 300 },
  );
});
