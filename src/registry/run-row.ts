/** What the registry keeps of a run, and how it stands in a row. */

import type { SQLOutputValue } from "node:sqlite";

import { isErrorCode } from "../errors.ts";
import { noUsage } from "../usage.ts";
import type { DeliveryState, Outcome, OutcomeStatus, RunState, Usage } from "../types.ts";

/** A run about to be admitted. Times are milliseconds since the epoch, paths absolute. */
export type NewRun = {
  runId: string;
  sessionId: string;
  childSessionKey: string;
  requesterSessionKey: string;
  /** The session at the top of the tree; the requester's own key for a child of a main session. */
  rootSessionKey: string;
  /** The requester's run, when the requester is itself a child: the chain that makes a parent of a busy child count as active. */
  parentRunId?: string;
  agentId: string;
  depth: number;
  role: "orchestrator" | "leaf";
  label?: string;
  /** Kept up to 2,000 characters; the whole of it is in the transcript. */
  task: string;
  /** `provider/id` as asked for; settling puts the one that answered in its place. */
  model?: string;
  workspaceDir: string;
  transcriptPath: string;
  cleanup: "delete" | "keep";
  expectsCompletion: boolean;
  idempotencyKey?: string;
  /** With an idempotency key: what the spawn was answered, as JSON, to be given again. */
  answer?: string;
  createdAt: number;
};

export type RunRow = NewRun & {
  state: RunState;
  ownerId: string;
  /** There once the run is settled. */
  outcome?: Outcome;
  usage: Usage;
  /** Final or partial answer, up to 256 KiB of UTF-8; the whole of it is in the transcript. Absent in lists of runs. */
  text?: string;
  /** Bytes of the answer that aren't in `text`. */
  textBytesCut: number;
  startedAt?: number;
  endedAt?: number;
  pendingDescendants: number;
  delivery: DeliveryState;
};

export type Row = Record<string, SQLOutputValue>;

/** What `toRunRow` reads, for a `FROM runs`. */
export const RUN_COLUMNS = `runs.*, (SELECT outbox.state FROM outbox WHERE outbox.runId = runs.runId) AS delivery`;

/** The same without the answer: a list of a hundred runs would carry megabytes that nobody shows. */
export const LISTED_COLUMNS = RUN_COLUMNS.replace(
  "runs.*",
  `runId, sessionId, childSessionKey, requesterSessionKey, rootSessionKey, parentRunId, agentId, depth, role, label, model,
   workspaceDir, transcriptPath, cleanup, expectsCompletion, idempotencyKey, createdAt, state, ownerId, outcomeStatus,
   causeCode, causeMessage, usage, startedAt, endedAt, unsettledBelow, task, resultBytesCut, NULL AS resultText`,
);

export function toRunRow(row: Row): RunRow {
  const run: RunRow = {
    runId: String(row["runId"]),
    sessionId: String(row["sessionId"]),
    childSessionKey: String(row["childSessionKey"]),
    requesterSessionKey: String(row["requesterSessionKey"]),
    rootSessionKey: String(row["rootSessionKey"]),
    agentId: String(row["agentId"]),
    depth: Number(row["depth"]),
    role: row["role"] as RunRow["role"],
    task: String(row["task"]),
    workspaceDir: String(row["workspaceDir"]),
    transcriptPath: String(row["transcriptPath"]),
    cleanup: row["cleanup"] as RunRow["cleanup"],
    expectsCompletion: row["expectsCompletion"] === 1,
    createdAt: Number(row["createdAt"]),
    state: row["state"] as RunState,
    ownerId: String(row["ownerId"]),
    usage: row["usage"] === null ? noUsage() : (JSON.parse(String(row["usage"])) as Usage),
    textBytesCut: Number(row["resultBytesCut"]),
    pendingDescendants: Number(row["unsettledBelow"]),
    delivery: (row["delivery"] ?? "none") as DeliveryState,
  };
  if (row["parentRunId"] !== null) run.parentRunId = String(row["parentRunId"]);
  if (row["label"] !== null) run.label = String(row["label"]);
  if (row["model"] !== null) run.model = String(row["model"]);
  if (row["idempotencyKey"] !== null) run.idempotencyKey = String(row["idempotencyKey"]);
  if (typeof row["answer"] === "string") run.answer = row["answer"];
  if (row["startedAt"] !== null) run.startedAt = Number(row["startedAt"]);
  if (row["endedAt"] !== null) run.endedAt = Number(row["endedAt"]);
  if (row["resultText"] !== null) run.text = String(row["resultText"]);
  if (row["outcomeStatus"] !== null) run.outcome = toOutcome(row);
  return run;
}

/** The first characters of a text, never half a character; NUL, which SQLite's text functions end at, is replaced. */
export function cutChars(text: string, limit: number): string {
  const kept = text.length <= limit ? text : text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, "");
  return kept.replaceAll("\0", "\uFFFD");
}

/** The first bytes of a text, never half a character, and how many were left out. */
export function cutBytes(text: string, limit: number): { text: string; bytesCut: number } {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text: text.replaceAll("\0", "\uFFFD"), bytesCut: 0 };
  const buffer = Buffer.from(text);
  let end = limit;
  while (end > 0 && ((buffer[end] ?? 0) & 0xc0) === 0x80) end--;
  return { text: buffer.toString("utf8", 0, end).replaceAll("\0", "\uFFFD"), bytesCut: bytes - end };
}

function toOutcome(row: Row): Outcome {
  const status = row["outcomeStatus"] as OutcomeStatus;
  if (row["causeCode"] === null) return { status };
  // A code of a newer version reads as a fault of ours rather than as no cause at all.
  const code = isErrorCode(row["causeCode"]) ? row["causeCode"] : "internal";
  return { status, cause: { code, message: String(row["causeMessage"]) } };
}

export const TASK_CHARS = 2_000;
export const CAUSE_CHARS = 2_000;
export const RESULT_BYTES = 256 * 1024;
