/**
 * The form that an answer is to have, as a JSON Schema: what its model is told of it, and whether an answer fits. Loaded
 * by threads that have such a run; built into a file of its own.
 */

import { Validator, type OutputUnit } from "@cfworker/json-schema";
import { NOT_IN_TIME } from "../channel/not-in-time.ts";
import type { EngineResult } from "../channel/protocol.ts";
import { InprocessError, messageOf } from "../errors.ts";
import { clip } from "../sessions/clip.ts";
import { inTime, isOutOfTime } from "./in-time.ts";
import { draftOf, schemaFault } from "./schema-fault.ts";

export type AnswerForm = {
  /** For the system prompt. */
  section: string;
  /** The result with `structured`, or with `schemaError`; one that isn't `ok` as it is. */
  judge(result: EngineResult): EngineResult;
};

/**
 * @param ms milliseconds that reading the schema may take, and each judgement: so long it holds up the thread at most
 * @throws InprocessError `params_invalid` when the schema can't be read, or not in time
 */
export function answerForm(schema: Record<string, unknown>, ms = LIMIT_MS): AnswerForm {
  const fault = faultInTime(schema, ms);
  if (fault !== undefined) throw new InprocessError("params_invalid", `outputSchema can't be used: ${fault}.`);
  const validator = new Validator(structuredClone(schema), draftOf(schema), false);
  return {
    section: `${SECTION}\n${JSON.stringify(schema)}`,
    judge: (result) => (result.status === "ok" ? judged(result, validator, ms) : result),
  };
}

function faultInTime(schema: Record<string, unknown>, ms: number): string | undefined {
  try {
    return inTime(() => schemaFault(schema), ms);
  } catch (error) {
    if (isOutOfTime(error)) return `it can't be followed to its end in ${ms / 1000} s`;
    throw error;
  }
}

/** An engine's own value is held against the schema like any other. Whatever goes wrong: text and usage stay. */
function judged(
  { structured, schemaError: _its, ...result }: EngineResult,
  validator: Validator,
  ms: number,
): EngineResult {
  try {
    const read = structured === undefined ? valueIn(result.text) : { value: structured };
    const schemaError = "fault" in read ? read.fault : inTime(() => faultOf(read.value, validator), ms);
    return "fault" in read || schemaError !== undefined
      ? { ...result, schemaError: schemaError! }
      : { ...result, structured: read.value };
  } catch (error) {
    const why = `The answer can't be held against the schema: ${firstLine(messageOf(error))}`;
    return { ...result, schemaError: isOutOfTime(error) ? NOT_IN_TIME : why };
  }
}

/** The whole text as JSON, or the one block of code in it: models like to put JSON into one. */
function valueIn(text: string): { value: unknown } | { fault: string } {
  for (const candidate of [text, ...blockIn(text)]) {
    try {
      return { value: JSON.parse(candidate) as unknown };
    } catch {
      // The next candidate, or none.
    }
  }
  return { fault: "The answer is no JSON value." };
}

/** What stands between the only two fences there are. */
function blockIn(text: string): string[] {
  const lines = text.split("\n");
  const [opens, closes, another] = lines.flatMap((line, index) => (line.trimStart().startsWith("```") ? [index] : []));
  if (opens === undefined || closes === undefined || another !== undefined) return [];
  return [lines.slice(opens + 1, closes).join("\n")];
}

function faultOf(value: unknown, validator: Validator): string | undefined {
  const fault = unkept(value);
  if (fault !== undefined) return `The answer ${fault}.`;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > STRUCTURED_BYTES) return `The answer has ${bytes} bytes as JSON; at most ${STRUCTURED_BYTES} are kept.`;
  const { valid, errors } = validator.validate(value);
  return valid ? undefined : `The answer doesn't fit the schema: ${sentence(errors)}`;
}

/** Why a value wouldn't be the same after it was written as JSON, or couldn't be written wherever it is kept. */
function unkept(value: unknown, depth = 1): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "holds a number too large to be kept";
  if (typeof value !== "object" || value === null) {
    return ["string", "boolean", "object"].includes(typeof value) ? undefined : `holds ${typeof value}, no JSON`;
  }
  if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
  for (const part of Object.values(value)) {
    const fault = unkept(part, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The innermost faults, a few of them: those around them only say that something inside is wrong. */
function sentence(errors: readonly OutputUnit[]): string {
  const telling = errors.filter(({ keyword }) => !AROUND.has(keyword));
  const told = (telling.length === 0 ? errors : telling).slice(0, MAX_FAULTS);
  const faults = told.map(
    ({ instanceLocation, error }) => `${clip(instanceLocation, FAULT_CHARS)} ${clip(firstLine(error), FAULT_CHARS)}`,
  );
  const more = (telling.length || errors.length) - told.length;
  return `${faults.join(" ")}${more > 0 ? ` And ${more} more.` : ""}`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

const SECTION = [
  "# Form of the answer",
  "Your last message must be one JSON value and nothing else: no words around it, no code block. It must fit this JSON Schema:",
].join("\n");
const AROUND = new Set(["properties", "items", "prefixItems", "$ref", "allOf", "anyOf", "if", "additionalItems"]);
const MAX_FAULTS = 5;
const FAULT_CHARS = 200;
const STRUCTURED_BYTES = 256 * 1024;
/** A database on the main thread and the channel to it recurse with less room than a worker has. */
const MAX_DEPTH = 500;
/** Far below what counts as a stuck thread. */
const LIMIT_MS = 2_000;
