/** Building blocks of the config's schema; each tells its whole range when a value doesn't fit. */

import { z } from "zod";
import type { ThinkingLevel } from "../types.ts";
import { nearest } from "./nearest-key.ts";

export function whole(min: number, max: number, unit?: string) {
  const error = needs(`a whole number from ${min} to ${max}${unit === undefined ? "" : ` (${unit})`}`);
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function positive(unit: string) {
  const error = needs(`a number above 0 (${unit})`);
  return z.number({ error }).positive({ error });
}

export function price() {
  const error = needs("a number of at least 0 (US dollars for a million tokens)");
  return z.number({ error }).min(0, { error });
}

export function flag() {
  return z.boolean({ error: needs("true or false") });
}

export function text() {
  const error = needs("a text that isn't empty");
  return z.string({ error }).trim().min(1, { error });
}

export function list<T extends z.ZodType>(element: T, what: string) {
  return z.array(element, { error: needs(`a list of ${what}`) });
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, {
    error: (issue) => {
      const meant = typeof issue.input === "string" ? nearest(issue.input, values) : undefined;
      const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
      return `${needs(`one of ${values.join(", ")}`)(issue)}${hint}`;
    },
  });
}

/** An object of ours: a key it doesn't have is an error. */
export function strict<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, { error: objectError });
}

/** The same, turned on and off by its `enabled`, or by true or false in its place. */
export function switchable<T extends z.core.$ZodLooseShape>(shape: T) {
  const error = (issue: Issue) =>
    issue.code === "invalid_type" ? needs("true, false or an object")(issue) : undefined;
  const object = z.strictObject({ enabled: flag().optional(), ...shape }, { error });
  return z.preprocess((value) => (typeof value === "boolean" ? { enabled: value } : value), object);
}

/** An object of OpenClaw's: keys we don't use are let through. */
export function loose<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.looseObject(shape, { error: objectError });
}

export function record<T extends z.ZodType>(value: T) {
  return z.record(z.string(), value, { error: objectError });
}

/** `"provider/id"` or `{ primary, fallbacks }`. */
export function modelChoice() {
  const shape = strict({ primary: text().optional(), fallbacks: list(text(), "model names").optional() });
  return z
    .preprocess((value) => (typeof value === "string" ? { primary: value } : value), shape)
    .transform(({ primary, fallbacks }) => ({
      ...(primary === undefined ? {} : { primary }),
      fallbacks: fallbacks ?? [],
    }));
}

/** OpenClaw's levels; `adaptive` leaves the choice to the model, `ultra` is its name for the highest. */
export function thinking() {
  return oneOf(["off", "minimal", "low", "medium", "high", "xhigh", "max", "adaptive", "ultra"]).transform(
    (level): ThinkingLevel | undefined => (level === "adaptive" ? undefined : level === "ultra" ? "max" : level),
  );
}

/** Seconds a timer can hold: Node's cap is 2^31 - 1 milliseconds. */
export const MAX_TIMER_SECONDS = 2_147_483;
export const MAX_TIMER_MS = 2_147_483_647;

type Issue = { input?: unknown; code?: string | undefined };

function needs(what: string) {
  return (issue: Issue) =>
    `must be ${what}, ${issue.input === undefined ? "but is missing" : `not ${show(issue.input)}`}`;
}

function objectError(issue: Issue): string | undefined {
  return issue.code === "invalid_type" ? needs("an object")(issue) : undefined;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}…` : shown;
}
