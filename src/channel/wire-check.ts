/**
 * Shape checks of what crosses the channel. A thread carries text a model made: what arrives is checked before it is
 * believed, cheaply (types of the fields, not their depth), because this runs on the gateway's loop.
 */

import type { EngineEvent } from "../events.ts";
import type { Usage } from "../types.ts";
import type { HostRequestKind, ToHost, ToWorker } from "./protocol.ts";

export function isToHost(value: unknown): value is ToHost {
  return matches(value, "type", TO_HOST);
}

export function isToWorker(value: unknown): value is ToWorker {
  return matches(value, "type", TO_WORKER);
}

type Check = (value: unknown, message: Record<string, unknown>) => boolean;
type Shapes<Name extends string> = Record<Name, Record<string, Check>>;

/** @param tag the field that tells which of the shapes it is */
function matches(value: unknown, tag: "type" | "kind", shapes: Shapes<string>): boolean {
  if (!isObject(value)) return false;
  const name = value[tag];
  if (typeof name !== "string" || !Object.hasOwn(shapes, name)) return false;
  return Object.entries(shapes[name]!).every(([field, check]) => check(value[field], value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
/** 0 would name the gateway's own process group. */
const isPid: Check = (value) => Number.isSafeInteger(value) && (value as number) > 0;
const isCause: Check = (value) =>
  isObject(value) && typeof value.code === "string" && typeof value.message === "string";
const listOf =
  (check: Check): Check =>
  (value, message) =>
    Array.isArray(value) && value.every((item) => check(item, message));
const oneOf =
  (...values: string[]): Check =>
  (value) =>
    values.includes(value as string);
const optional =
  (check: Check): Check =>
  (value, message) =>
    value === undefined || check(value, message);
const isUsage: Check = (value) => isObject(value) && USAGE.every((key) => Number.isFinite(value[key]));
const isEvent: Check = (value) => matches(value, "type", EVENTS);
const isRequest: Check = (value) => matches(value, "kind", REQUESTS);
const isLine: Check = (value, message) =>
  isObject(value) && LEVELS(value.level, message) && typeof value.msg === "string";
const isResult: Check = (value, message) =>
  isObject(value) && Object.entries(RESULT).every(([field, check]) => check(value[field], message));

const USAGE: (keyof Usage)[] = [
  ...(["input", "output", "cacheRead", "cacheWrite"] as const),
  ...(["totalTokens", "costUsd", "turns", "toolCalls"] as const),
];
const LEVELS = oneOf("debug", "info", "warn", "error");
const RESULT = {
  status: oneOf("ok", "error", "aborted"),
  text: isString,
  usage: isUsage,
  cause: optional(isCause),
  model: optional(isString),
  schemaError: optional(isString),
  yielded: optional(isBoolean),
};

const EVENTS: Shapes<EngineEvent["type"]> = {
  model_request: { model: isString },
  text: { text: isString },
  thinking: { text: isString },
  tool_start: { toolCallId: isString, tool: isString, detail: isString },
  tool_end: { toolCallId: isString, tool: isString, isError: isBoolean },
  usage: { usage: isUsage, model: isString },
  retry: { model: isString, reason: isString },
};

const REQUESTS: Shapes<HostRequestKind> = {
  tool: { toolCallId: isString, tool: isString },
  verdict: { toolCallId: isString, tool: isString },
  refresh_model: { model: isString },
  model_call: { usage: isUsage },
  answering: { tokens: isCount },
  tool_call: { tool: isString },
};

const TO_HOST: Shapes<ToHost["type"]> = {
  started: { threadId: isCount },
  opened: {},
  events: { events: listOf(isEvent) },
  request: { id: isCount, request: isRequest },
  cancel: { id: isCount },
  process: { pid: isPid, alive: isBoolean },
  log: { lines: listOf(isLine) },
  steered: { count: isCount },
  pong: {},
  finished: { result: isResult },
};

const TO_WORKER: Shapes<ToWorker["type"]> = {
  credit: { batches: isCount },
  watch: { on: isBoolean },
  steer: { text: isString },
  abort: { cause: isCause },
  ping: {},
  reply: { id: isCount, ok: isBoolean, error: (value, { ok }) => ok === true || isCause(value, {}) },
};
