/** What the types of a spawn promise, checked: its parameters come from a model by way of whoever embeds us. */

import type { SpawnParams } from "../types.ts";
import type { Refusal } from "./spawn-policy.ts";
import { clashOf, RULES } from "./spawn-rules.ts";

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
    const refusal = value === undefined ? undefined : refuseOne(name, value);
    if (refusal !== undefined) return refusal;
  }
  const clash = clashOf(params);
  return clash === undefined ? undefined : wrong(clash);
}

/** What is asked for and can't be had is never passed over in silence: a child without the sandbox asked for is worse than none. */
function refuseOne(name: string, value: unknown): Refusal | undefined {
  if (name === "task" || (name === "runtime" && value === "subagent")) return undefined;
  if (name === "runtime") {
    const message = "This runtime starts subagents alone; another agent runtime (acp) is the gateway's own.";
    return { status: "error", code: "capability_missing", message };
  }
  if (!Object.hasOwn(RULES, name)) return wrong(`${name} is no parameter of a spawn.`);
  const { is, what } = RULES[name as keyof typeof RULES];
  if (!is(value)) return wrong(`${name} must be ${what}.`);
  if (name !== "attachments" || (value as unknown[]).length <= MAX_ATTACHMENTS) return undefined;
  const { length } = value as unknown[];
  return {
    status: "error",
    code: "attachments_file_count_exceeded",
    message: `${length} attachments are more than the ${MAX_ATTACHMENTS} a spawn may bring; bring fewer, or put them in the workspace and name them.`,
  };
}

function wrong(message: string): Refusal {
  return { status: "error", code: "params_invalid", message };
}

/** Names that a spawn takes. */
export const SPAWN_PARAMS: ReadonlySet<string> = new Set(["task", ...Object.keys(RULES)]);

const TASK_BYTES = 256 * 1024;
const MAX_ATTACHMENTS = 50;
