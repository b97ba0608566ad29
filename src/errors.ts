/**
 * Every error of this package: one table of stable codes, one class, one wire form.
 *
 * A run that fails is data (an `Outcome` with a `Cause`), never an exception. Exceptions are for the
 * programmer (a closed runtime, a bad option) and for set-up (a config that can't be used).
 */

/** Stable codes. A code is never renamed or reused; add new ones freely. The value says what the code means. */
export const ERROR_CODES = {
  // set-up
  config_invalid: "the configuration has keys or values that can't be used",
  config_unreadable: "the configuration file can't be read or parsed",
  node_too_old: "this Node is older than the package supports",
  state_dir_unusable: "the state directory can't be created or written",
  registry_unusable: "the registry file can't be opened, or was written by a newer version",
  workspace_unusable: "the workspace folder isn't there or isn't a folder",
  task_invalid: "the task is empty or too large",
  // spawning
  params_invalid: "a parameter of a call is missing, of the wrong type, or out of range",
  spawn_forbidden: "a limit or an allowlist refuses the spawn",
  capability_missing: "this runtime doesn't offer what was asked for",
  isolation_unavailable: "the asked isolation level isn't available; it is never downgraded",
  model_unusable: "the model is unknown, or has no address or key",
  not_found: "no run or session matches the target",
  ambiguous: "more than one run matches the target",
  not_yours: "the target belongs to another session, or the caller may not control it",
  rate_limited: "the same call was made a moment ago; wait before the next one",
  attachments_file_count_exceeded: "more attachments than a spawn may bring",
  attachments_invalid_name: "an attachment's name is no plain file name",
  attachments_duplicate_name: "two attachments have the same name",
  attachments_invalid_base64_or_too_large: "an attachment's base64 can't be decoded, or is larger than may be",
  attachments_file_bytes_exceeded: "an attachment is larger than one may be",
  attachments_total_bytes_exceeded: "the attachments are larger than they may be together",
  attachments_materialization_failed: "the attachments can't be written into the child's workspace",
  thread_not_bound: "the requester's channel could not bind a thread for the child",
  runtime_closed: "the runtime was closed",
  // a gateway over its WebSocket
  gateway_unreachable: "the gateway can't be reached, or its handshake didn't end in time",
  gateway_pairing_required: "the gateway wants this device, or wider scopes for it, approved first",
  gateway_unauthorized: "the gateway refuses the token or password",
  gateway_refused: "the gateway refuses a call, or closed the connection for its policy",
  gateway_timeout: "the gateway didn't answer a call in time",
  gateway_lost: "the connection to the gateway broke while a call was under way",
  // threads and the channel
  worker_start_failed: "a worker thread didn't start in time, or its file failed to load",
  worker_lost: "the thread of the run ended before the run did",
  worker_stuck: "the run didn't give its thread back in time, so the thread was ended",
  wire_invalid: "a message on the channel has an unknown shape",
  payload_too_large: "a payload is larger than a thread may be handed",
  // running
  model_error: "the model's server answered with an error, or the connection broke",
  model_timeout: "the model's server didn't answer in time",
  tool_error: "a tool failed",
  tool_blocked: "the tool policy refused a call",
  path_outside_workspace: "a path leads out of the workspace",
  engine_failed: "the engine threw",
  transcript_unusable: "the transcript can't be read or written",
  run_timeout: "the run's time was up",
  run_killed: "the run was ended on request",
  run_interrupted: "the process that owned the run ended before the run did",
  budget: "a budget was used up",
  delivery_failed: "a completion couldn't be handed to its requester",
  internal: "a fault of this package",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(ERROR_CODES, value);
}

/** Why a run ended as it did: a stable code and one sentence for a person. */
export type Cause = { readonly code: ErrorCode; readonly message: string };

/** The package's one error class. `message` is one sentence: what was called, what is wrong, what to do. */
export class InprocessError extends Error {
  override readonly name: string = "InprocessError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** One thing wrong in a configuration. `path` is dotted, as the user would write it (`subagents.pool.nice`). */
export type ConfigIssue = { readonly path: string; readonly message: string };

/** Thrown by `parseConfig` and the file loader; `issues` lists every path at fault, not only the first. */
export class ConfigError extends InprocessError {
  override readonly name = "ConfigError";
  readonly issues: readonly ConfigIssue[];

  constructor(
    issues: readonly ConfigIssue[],
    options?: { cause?: unknown; code?: "config_invalid" | "config_unreadable" },
  ) {
    super(
      options?.code ?? "config_invalid",
      issues.map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`)).join("; "),
      options,
    );
    this.issues = issues;
  }
}

/**
 * Whether an error is one of ours, also of another copy of this module: OpenClaw 2026.9.6 loads a plugin's modules once
 * for each registry, and what the runtime of one copy throws is caught by the tools of another, where `instanceof` fails.
 */
export function isInprocessError(error: unknown): error is InprocessError {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return (error.name === "InprocessError" || error.name === "ConfigError") && isErrorCode(error.code);
}

/** The same for the error of a configuration. */
export function isConfigError(error: unknown): error is ConfigError {
  return isInprocessError(error) && error.name === "ConfigError" && "issues" in error && Array.isArray(error.issues);
}

/** The cause that stands for any thrown value; errors of ours keep their code. */
export function causeOf(error: unknown, fallback: ErrorCode = "internal"): Cause {
  if (isInprocessError(error)) return { code: error.code, message: error.message };
  return { code: fallback, message: messageOf(error) };
}

/** One line for any thrown value. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return typeof error === "string" ? error : String(error);
}
