/** What zod found, told the way this package tells it: one issue a path, unknown keys with the nearest known one. */

import { z } from "zod";
import type { ConfigIssue } from "../errors.ts";
import { nearest } from "./nearest-key.ts";

export function issuesOf(error: z.ZodError, schema: z.ZodType): ConfigIssue[] {
  const issues = error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [{ path: dotted(issue.path), message: issue.message }];
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({ path: dotted([...issue.path, key]), message: unknownKey(key, known) }));
  });
  return issues.filter((issue, index) => issues.findIndex((other) => other.path === issue.path) === index);
}

/** `agents.list[0].subagents`: as a user would write it. */
export function dotted(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
}

export function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === undefined
    ? `there is no such setting; known here: ${known.join(", ")}`
    : `there is no such setting; did you mean "${meant}"?`;
}

function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let here = bare(schema);
  for (const part of path) {
    if (here instanceof z.ZodObject) here = bare((here.shape as Record<string, z.core.$ZodType>)[String(part)]);
    else if (here instanceof z.ZodRecord) here = bare(here.valueType);
    else if (here instanceof z.ZodArray) here = bare(here.element);
    else return [];
  }
  return here instanceof z.ZodObject ? Object.keys(here.shape) : [];
}

/** The schema inside optional, default, preprocess and transform. */
function bare(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return bare(schema.unwrap());
  if (schema instanceof z.ZodPipe) return bare(schema.out instanceof z.ZodTransform ? schema.in : schema.out);
  return schema;
}
