/**
 * Whether a JSON Schema can be read. The validator takes anything and says nothing of what it doesn't understand, or
 * only when an answer leads it there; a run is better not begun.
 */

import { dereference, validate, type Schema } from "@cfworker/json-schema";
import { messageOf } from "../errors.ts";

type Draft = "4" | "7" | "2019-09" | "2020-12";

/** What, and where, as the end of a sentence; undefined when there is nothing wrong. */
export function schemaFault(schema: Record<string, unknown>): string | undefined {
  try {
    // It marks what it has walked over.
    const copy = structuredClone(schema) as Schema;
    const known = dereference(copy);
    for (const [uri, part] of Object.entries(known)) {
      const fault = typeof part === "object" ? faultIn(part, known, draftOf(schema)) : undefined;
      if (fault !== undefined) return `${fault} at ${pointerOf(uri)}`;
    }
    // A schema that is nothing but a way back to itself would be followed for ever.
    validate(null, copy, "2020-12", known);
    return undefined;
  } catch (error) {
    return error instanceof RangeError ? "it is nested too deep, or leads back to itself" : firstLine(messageOf(error));
  }
}

/** What the schema says it is written in; else the newest. */
export function draftOf({ $schema }: Record<string, unknown>): Draft {
  const named = typeof $schema === "string" ? /draft-0?([47])|draft\/(2019-09|2020-12)/.exec($schema) : null;
  return (named?.[1] ?? named?.[2] ?? "2020-12") as Draft;
}

function faultIn(part: Schema, known: Record<string, Schema | boolean>, draft: Draft): string | undefined {
  const types: unknown[] = part.type === undefined ? [] : [part.type].flat();
  const unknown = types.find((type) => !TYPES.has(type));
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is no type`;
  const unfollowed = UNFOLLOWED.find((name) => part[name] !== undefined);
  if (unfollowed !== undefined) return `${unfollowed}, which isn't followed here, stands`;
  if (part.$ref !== undefined && known[part.__absolute_ref__ ?? part.$ref] === undefined) {
    return `$ref ${JSON.stringify(part.$ref)} leads nowhere inside the schema`;
  }
  for (const { names, is, what } of KINDS) {
    const wrong = names.find((name) => part[name] !== undefined && !is(part[name], draft));
    if (wrong !== undefined) return `${wrong} is ${what}`;
  }
  const patterns = [
    ...(part.pattern === undefined ? [] : [part.pattern]),
    ...Object.keys(part.patternProperties ?? {}),
  ];
  const unreadable = patterns.find((pattern) => !isPattern(pattern));
  return unreadable === undefined ? undefined : `${JSON.stringify(unreadable)} is no regular expression`;
}

function isPattern(pattern: unknown): boolean {
  try {
    // As the validator reads it.
    return typeof pattern === "string" && new RegExp(pattern, "u") instanceof RegExp;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSchema(value: unknown): boolean {
  return isObject(value) || typeof value === "boolean";
}

function isListOfSchemas(value: unknown): boolean {
  return Array.isArray(value) && value.every(isSchema);
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** The part of an address after the schema's own; the whole for a schema that names itself. */
function pointerOf(uri: string): string {
  const at = uri.indexOf("#");
  return at < 0 ? "its root" : uri.slice(at);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

const TYPES: ReadonlySet<unknown> = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
/** They lead where the answer has led before; the validator passes over them, or doesn't keep to the rules. */
const UNFOLLOWED = ["$dynamicRef", "$recursiveRef"];
const LISTS = ["enum", "required", "allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
const SCHEMAS = [
  ...["additionalItems", "unevaluatedItems", "contains", "not", "if", "then", "else"],
  ...["additionalProperties", "unevaluatedProperties", "propertyNames"],
];
const NUMBERS = ["minimum", "maximum", "multipleOf"];
const EXCLUSIVE = ["exclusiveMinimum", "exclusiveMaximum"];
const COUNTS = ["Length", "Items", "Properties", "Contains"].flatMap((of) => [`min${of}`, `max${of}`]);

/** What may stand under a name; the first that is wrong is told. */
const KINDS: readonly { names: readonly string[]; is: (value: unknown, draft: Draft) => boolean; what: string }[] = [
  { names: LISTS, is: Array.isArray, what: "no list" },
  { names: [...MAPS, "dependentRequired"], is: isObject, what: "no object" },
  { names: ["required"], is: isNames, what: "no list of names" },
  { names: ["allOf", "anyOf", "oneOf", "prefixItems"], is: isListOfSchemas, what: "no list of schemas" },
  { names: MAPS, is: (value) => Object.values(value as object).every(isSchema), what: "no object of schemas" },
  {
    names: ["dependentRequired"],
    is: (value) => Object.values(value as object).every(isNames),
    what: "no object of lists of names",
  },
  { names: SCHEMAS, is: isSchema, what: "no schema" },
  { names: ["items"], is: (value) => isSchema(value) || isListOfSchemas(value), what: "no schema" },
  { names: NUMBERS, is: Number.isFinite, what: "no number" },
  // The draft says whether it is the bound itself or how the bound beside it is meant.
  {
    names: EXCLUSIVE,
    is: (value, draft) => (draft === "4" ? typeof value === "boolean" : Number.isFinite(value)),
    what: "no bound",
  },
  { names: COUNTS, is: (value) => Number.isSafeInteger(value) && (value as number) >= 0, what: "no count" },
  { names: ["$ref"], is: (value) => typeof value === "string", what: "no address" },
];
