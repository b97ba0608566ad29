/** What the types of a spawn promise, checked: its parameters come from a model by way of whoever embeds us. */

import type { SpawnParams } from "../types.ts";
import type { Refusal } from "./spawn-policy.ts";

/** Undefined when nothing is wrong. */
export function refuseParams(params: SpawnParams): Refusal | undefined {
  const wrong = (message: string): Refusal => ({ status: "error", code: "params_invalid", message });
  if (typeof params.task !== "string" || params.task.trim() === "") {
    return wrong("sessions_spawn needs a task: a text that says what the subagent is to do.");
  }
  if (Buffer.byteLength(params.task) > TASK_BYTES) {
    return {
      ...wrong(`The task is larger than ${TASK_BYTES / 1024} KiB; put it in a file and name the file.`),
      code: "payload_too_large",
    };
  }
  const seconds = params.runTimeoutSeconds;
  if (seconds !== undefined && !(Number.isFinite(seconds) && seconds >= 0 && seconds <= MAX_TIMEOUT_SECONDS)) {
    return wrong(`runTimeoutSeconds must be a number from 0 to ${MAX_TIMEOUT_SECONDS}.`);
  }
  if (params.mode === "session") {
    return {
      ...wrong("Mode `session` isn't available in this runtime (capability `session`); use mode `run`."),
      code: "capability_missing",
    };
  }
  return undefined;
}

const TASK_BYTES = 256 * 1024;
/** What a timer can count to: 2^31 milliseconds. */
const MAX_TIMEOUT_SECONDS = 2_147_483;
