/**
 * Shape checks of what crosses the channel. A thread carries text a model made: what arrives is checked before it is
 * believed, cheaply (types of the fields, not their depth), because this runs on the gateway's loop.
 */

import type { ToHost, ToWorker } from "./protocol.ts";

export function isToHost(value: unknown): value is ToHost {
  return matches(value, TO_HOST);
}

export function isToWorker(value: unknown): value is ToWorker {
  return matches(value, TO_WORKER);
}

type Check = (value: unknown) => boolean;
type Shapes<M extends { type: string }> = { [T in M["type"]]: Record<string, Check> };

function matches(value: unknown, shapes: Record<string, Record<string, Check>>): boolean {
  if (!isObject(value) || typeof value.type !== "string" || !Object.hasOwn(shapes, value.type)) return false;
  return Object.entries(shapes[value.type]!).every(([field, check]) => check(value[field]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isString: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isTyped: Check = (value) => isObject(value) && typeof value.type === "string";
const isCause: Check = (value) => isObject(value) && isString(value.code) && isString(value.message);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isUsage: Check = (value) => isObject(value) && Object.values(value).every((n) => typeof n === "number");

const TO_HOST: Shapes<ToHost> = {
  started: { threadId: isCount },
  events: { events: listOf(isTyped) },
  request: { id: isCount, request: (value) => isObject(value) && isString(value.kind) },
  cancel: { id: isCount },
  process: { pid: isCount, alive: isBoolean },
  log: { lines: listOf((line) => isObject(line) && isString(line.level) && isString(line.msg)) },
  pong: {},
  finished: {
    result: (value) =>
      isObject(value) &&
      ["ok", "error", "aborted"].includes(value.status as string) &&
      isString(value.text) &&
      isUsage(value.usage) &&
      (value.cause === undefined || isCause(value.cause)),
  },
};

const TO_WORKER: Shapes<ToWorker> = {
  credit: { batches: isCount },
  watch: { on: isBoolean },
  steer: { text: isString },
  abort: { cause: isCause },
  ping: {},
  reply: { id: isCount, ok: isBoolean },
};
