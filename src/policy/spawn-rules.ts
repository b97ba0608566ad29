/** What each parameter of a spawn must be, by its name; and which don't go together. */

import type { SpawnParams } from "../types.ts";
import { modeOf } from "./spawn-terms.ts";

/** `what` completes "… must be". */
export type Rule = { is(value: unknown): boolean; what: string };

/** Which of the parameters, right each by itself, don't go together: one sentence; undefined when all do. */
export function clashOf(params: SpawnParams): string | undefined {
  const inThread = params.thread === true;
  if (modeOf(params) === "session" && !inThread)
    return "mode `session` stays in a thread: add thread: true, or use mode `run`.";
  if (params.collect === true && inThread) return "collect doesn't go with thread; leave one of them out.";
  if (params.collect !== true) {
    const needing = (["outputSchema", "groupId"] as const).find((name) => params[name] !== undefined);
    if (needing !== undefined) return `${needing} is for results that are fetched: add collect: true, or leave it out.`;
  }
  if (params.completionTarget === undefined) return undefined;
  const clash =
    params.collect === true
      ? "collect"
      : params.expectsCompletionMessage === false
        ? "expectsCompletionMessage: false"
        : inThread
          ? "thread"
          : undefined;
  return clash && `completionTarget doesn't go with ${clash}; leave one of them out.`;
}

const oneOf = (...values: string[]): Rule => ({
  is: (value) => values.includes(value as string),
  what: `one of ${values.join(", ")}`,
});
const text = (max: number): Rule => ({
  is: (value) => typeof value === "string" && value.trim() !== "" && value.length <= max,
  what: `a text of at most ${max} characters`,
});
const flag: Rule = { is: (value) => typeof value === "boolean", what: "true or false" };
/** The host holds each of a spawn's tool names against each tool there is, and against the lists above them. */
const MAX_NAMES = 256;
const MAX_NAME_CHARS = 128;
const names: Rule = {
  is: (value) =>
    Array.isArray(value) &&
    value.length <= MAX_NAMES &&
    value.every((name) => typeof name === "string" && name.length > 0 && name.length <= MAX_NAME_CHARS),
  what: `a list of at most ${MAX_NAMES} tool names, each of 1 to ${MAX_NAME_CHARS} characters`,
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Nothing but these fields, each as its check wants it. */
function isMadeOf(value: unknown, fields: Record<string, (value: unknown) => boolean>): boolean {
  return (
    isObject(value) &&
    Object.keys(value).every((name) => Object.hasOwn(fields, name)) &&
    Object.entries(fields).every(([name, is]) => is(value[name]))
  );
}

const isString = (value: unknown): boolean => typeof value === "string";
const optional =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || is(value);
const isAmount = (value: unknown): boolean => Number.isFinite(value) && (value as number) > 0;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;

function isAttachment(value: unknown): boolean {
  return isMadeOf(value, {
    name: (name) => isString(name) && name !== "",
    content: isString,
    encoding: optional((encoding) => encoding === "utf8" || encoding === "base64"),
    mimeType: optional(isString),
  });
}

/** Plain data, and not too much of it for a thread to compile. */
function isSchema(value: unknown): boolean {
  if (!isObject(value)) return false;
  try {
    return Buffer.byteLength(JSON.stringify(value)) <= SCHEMA_BYTES;
  } catch {
    return false;
  }
}

/** As OpenClaw's docs give them. */
const AGENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const TASK_NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const MOUNT_PATH = /^[A-Za-z0-9._\-/:]{1,4096}$/;
/** What a timer can count to: 2^31 milliseconds. */
const MAX_TIMEOUT_SECONDS = 2_147_483;
const SCHEMA_BYTES = 64 * 1024;

/** Every parameter beside `task`. */
export const RULES: Readonly<Record<Exclude<keyof SpawnParams, "task">, Rule>> = {
  label: text(200),
  taskName: {
    is: (value) => typeof value === "string" && TASK_NAME.test(value) && value !== "last" && value !== "all",
    what: "a name of a-z, 0-9, _ and -, at most 64, beginning with a letter, and not `last` or `all`",
  },
  agentId: {
    is: (value) => typeof value === "string" && AGENT_ID.test(value),
    what: "an agent id: a-z, 0-9, _ and -, at most 64, beginning with a letter or digit",
  },
  model: text(200),
  thinking: oneOf("off", "minimal", "low", "medium", "high", "xhigh", "max"),
  cwd: text(4096),
  runTimeoutSeconds: {
    is: (value) => typeof value === "number" && value >= 0 && value <= MAX_TIMEOUT_SECONDS,
    what: `a number from 0 to ${MAX_TIMEOUT_SECONDS}`,
  },
  thread: flag,
  mode: oneOf("run", "session"),
  cleanup: oneOf("delete", "keep"),
  sandbox: oneOf("inherit", "require"),
  context: oneOf("isolated", "fork"),
  lightContext: flag,
  attachments: {
    is: (value) => Array.isArray(value) && value.every(isAttachment),
    what: "a list of {name, content, encoding?: utf8 or base64, mimeType?}",
  },
  attachAs: {
    is: (value) =>
      isMadeOf(value, { mountPath: optional((path) => typeof path === "string" && MOUNT_PATH.test(path)) }),
    what: "{mountPath?}, a path of A-Z, a-z, 0-9 and . _ - / :",
  },
  expectsCompletionMessage: flag,
  completionTarget: oneOf("parent"),
  collect: flag,
  outputSchema: { is: isSchema, what: `a JSON Schema, an object of at most ${SCHEMA_BYTES / 1024} KiB` },
  groupId: text(128),
  toolsAllow: names,
  toolsDeny: names,
  budget: {
    is: (value) =>
      isMadeOf(value, {
        tokens: optional(isCount),
        usd: optional(isAmount),
        turns: optional(isCount),
        toolCalls: optional(isCount),
        wallSeconds: optional((seconds) => isAmount(seconds) && (seconds as number) <= MAX_TIMEOUT_SECONDS),
      }) && Object.keys(value as object).length > 0,
    what: `{tokens?, usd?, turns?, toolCalls?, wallSeconds?} with at least one of them, each above 0, whole but for usd and wallSeconds, wallSeconds at most ${MAX_TIMEOUT_SECONDS}`,
  },
  isolation: oneOf("thread", "dedicated", "process"),
};
