/**
 * Whether a JSON Schema can be read. The validator takes anything and says nothing of what it doesn't understand, or
 * only when an answer leads it there; a run is better not begun.
 */

import { dereference, validate, type Schema } from "@cfworker/json-schema";
import { messageOf } from "../errors.ts";

/** What, and where, as the end of a sentence; undefined when there is nothing wrong. */
export function schemaFault(schema: Record<string, unknown>): string | undefined {
  try {
    // It marks what it has walked over.
    const copy = structuredClone(schema) as Schema;
    const known = dereference(copy);
    for (const [uri, part] of Object.entries(known)) {
      const fault = typeof part === "object" ? faultIn(part, known) : undefined;
      if (fault !== undefined) return `${fault} at ${pointerOf(uri)}`;
    }
    // A schema that is nothing but a way back to itself would be followed for ever.
    validate(null, copy, "2020-12", known);
    return undefined;
  } catch (error) {
    return error instanceof RangeError ? "it is nested too deep, or leads back to itself" : firstLine(messageOf(error));
  }
}

function faultIn(part: Schema, known: Record<string, Schema | boolean>): string | undefined {
  const types: unknown[] = part.type === undefined ? [] : [part.type].flat();
  const unknown = types.find((type) => !TYPES.has(type));
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is no type`;
  if (part.$ref !== undefined && known[part.__absolute_ref__ ?? part.$ref] === undefined) {
    return `$ref ${JSON.stringify(part.$ref)} leads nowhere inside the schema`;
  }
  const lists = LISTS.find((name) => part[name] !== undefined && !Array.isArray(part[name]));
  if (lists !== undefined) return `${lists} is no list`;
  const maps = MAPS.find((name) => part[name] !== undefined && !isObject(part[name]));
  if (maps !== undefined) return `${maps} is no object`;
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

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
const LISTS = ["required", "enum", "allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependentRequired"];
