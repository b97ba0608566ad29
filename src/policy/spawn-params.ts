/** What the types of a spawn promise, checked: its parameters come from a model by way of whoever embeds us. */

import type { SpawnParams } from "../types.ts";
import type { Refusal } from "./spawn-policy.ts";

/** Undefined when nothing is wrong. */
export function refuseParams(params: SpawnParams): Refusal | undefined {
  const given = params as Record<string, unknown>;
  if (typeof given["task"] !== "string" || given["task"].trim() === "") {
    return wrong("sessions_spawn needs a task: a text that says what the subagent is to do.");
  }
  if (Buffer.byteLength(given["task"]) > TASK_BYTES) {
    return {
      status: "error",
      code: "payload_too_large",
      message: `The task is larger than ${TASK_BYTES / 1024} KiB; put it in a file and name the file.`,
    };
  }
  for (const [name, value] of Object.entries(given)) {
    const refusal = value === undefined ? undefined : refuseName(name, value);
    if (refusal !== undefined) return refusal;
  }
  for (const [name, { is, what }] of Object.entries(RULES)) {
    if (given[name] !== undefined && !is(given[name])) return wrong(`${name} must be ${what}.`);
  }
  if (given["mode"] === "session") {
    return {
      status: "error",
      code: "capability_missing",
      message: "Mode `session` isn't available in this runtime (capability `session`); use mode `run`.",
    };
  }
  return undefined;
}

/** What is asked for and can't be had is never passed over in silence: a child without the sandbox asked for is worse than none. */
function refuseName(name: string, value: unknown): Refusal | undefined {
  if (name === "task" || Object.hasOwn(RULES, name)) return undefined;
  if (Object.hasOwn(AS_IT_IS, name) && AS_IT_IS[name] === value) return undefined;
  if (!LATER.has(name)) return wrong(`${name} is no parameter of a spawn.`);
  const message = `${name} isn't available in this runtime; leave it out.`;
  return { status: "error", code: "capability_missing", message };
}

function wrong(message: string): Refusal {
  return { status: "error", code: "params_invalid", message };
}

type Rule = { is(value: unknown): boolean; what: string };

const oneOf = (...values: string[]): Rule => ({
  is: (value) => values.includes(value as string),
  what: `one of ${values.join(", ")}`,
});
const text = (max: number): Rule => ({
  is: (value) => typeof value === "string" && value.trim() !== "" && value.length <= max,
  what: `a text of at most ${max} characters`,
});
const flag: Rule = { is: (value) => typeof value === "boolean", what: "true or false" };
const names: Rule = {
  is: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  what: "a list of tool names",
};

/** OpenClaw's parameters that this version has no part in. */
export const LATER: ReadonlySet<string> = new Set([
  "attachments",
  "attachAs",
  "sandbox",
  "context",
  "completionTarget",
  "lightContext",
  "collect",
  "outputSchema",
  "groupId",
  "budget",
  "thread",
  "runtime",
]);

/** Values of them that ask for what this runtime does anyway. */
export const AS_IT_IS: Readonly<Record<string, unknown>> = {
  sandbox: "inherit",
  context: "isolated",
  lightContext: false,
  collect: false,
  thread: false,
  runtime: "subagent",
};

/** As OpenClaw's docs give it. */
const AGENT_ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const TASK_NAME = /^[a-z][a-z0-9_-]{0,63}$/;
/** What a timer can count to: 2^31 milliseconds. */
const MAX_TIMEOUT_SECONDS = 2_147_483;
const TASK_BYTES = 256 * 1024;
const RULES: Record<string, Rule> = {
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
  mode: oneOf("run", "session"),
  cleanup: oneOf("delete", "keep"),
  expectsCompletionMessage: flag,
  toolsAllow: names,
  toolsDeny: names,
  isolation: oneOf("thread", "dedicated", "process"),
};
