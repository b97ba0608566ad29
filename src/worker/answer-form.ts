/**
 * The form that an answer is to have, as a JSON Schema: what its model is told of it, and whether an answer fits. Loaded
 * by threads that have such a run; built into a file of its own.
 */

import { Validator, type OutputUnit } from "@cfworker/json-schema";
import type { EngineResult } from "../channel/protocol.ts";
import { InprocessError, messageOf } from "../errors.ts";
import { clip } from "../sessions/clip.ts";
import { schemaFault } from "./schema-fault.ts";

export type AnswerForm = {
  /** For the system prompt. */
  section: string;
  /** The result with `structured`, or with `schemaError`; one that isn't `ok` as it is. */
  judge(result: EngineResult): EngineResult;
};

/** @throws InprocessError `params_invalid` when the schema can't be read */
export function answerForm(schema: Record<string, unknown>): AnswerForm {
  const fault = schemaFault(schema);
  if (fault !== undefined) throw new InprocessError("params_invalid", `outputSchema can't be used: ${fault}.`);
  const validator = new Validator(structuredClone(schema), draftOf(schema), false);
  return {
    section: `${SECTION}\n${JSON.stringify(schema)}`,
    judge: (result) => (result.status === "ok" ? judged(result, validator) : result),
  };
}

/** An engine's own value is held against the schema like any other. */
function judged({ structured, schemaError: _its, ...result }: EngineResult, validator: Validator): EngineResult {
  const read = structured === undefined ? valueIn(result.text) : { value: structured };
  if ("fault" in read) return { ...result, schemaError: read.fault };
  const schemaError = faultOf(read.value, validator);
  return schemaError === undefined ? { ...result, structured: read.value } : { ...result, schemaError };
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
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > STRUCTURED_BYTES) return `The answer has ${bytes} bytes as JSON; at most ${STRUCTURED_BYTES} are kept.`;
  try {
    const { valid, errors } = validator.validate(value);
    return valid ? undefined : `The answer doesn't fit the schema: ${sentence(errors)}`;
  } catch (error) {
    return `The answer can't be held against the schema: ${firstLine(messageOf(error))}`;
  }
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

/** What the schema says it is written in; else the newest. */
function draftOf({ $schema }: Record<string, unknown>): "4" | "7" | "2019-09" | "2020-12" {
  const named = typeof $schema === "string" ? /draft-0?([47])|draft\/(2019-09|2020-12)/.exec($schema) : null;
  return (named?.[1] ?? named?.[2] ?? "2020-12") as "4" | "7" | "2019-09" | "2020-12";
}

const SECTION = [
  "# Form of the answer",
  "Your last message must be one JSON value and nothing else: no words around it, no code block. It must fit this JSON Schema:",
].join("\n");
const AROUND = new Set(["properties", "items", "prefixItems", "$ref", "allOf", "anyOf", "if", "additionalItems"]);
const MAX_FAULTS = 5;
const FAULT_CHARS = 200;
const STRUCTURED_BYTES = 256 * 1024;
