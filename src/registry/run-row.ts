/** What the registry keeps of a run, and how it stands in a row. */

import type { SQLOutputValue } from "node:sqlite";

import { isErrorCode } from "../errors.ts";
import { noUsage } from "../usage.ts";
import type {
  AttachmentsReceipt,
  Budget,
  DeliveryState,
  Isolation,
  Outcome,
  OutcomeStatus,
  RunState,
  SpawnContext,
  SpawnMode,
  ThinkingLevel,
  Usage,
} from "../types.ts";

/** What the next run of a session that stays is begun with, beside what its row says. */
export type KeptTerms = {
  /** `provider/id`: the model, and what is tried after it. */
  models: [string, ...string[]];
  thinking?: ThinkingLevel;
  bootstrapDir?: string;
  lightContext?: true;
  isolation: Isolation;
  /** Of each run; 0 = none. */
  timeoutMs: number;
  /** The spawn's own lists, within those of all above it. */
  toolsAllow?: string[];
  toolsDeny?: string[];
  attachments?: { receipt: AttachmentsReceipt; mountPath?: string };
};

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
  mode: SpawnMode;
  context: SpawnContext;
  label?: string;
  taskName?: string;
  /** The requester's turn it was asked for in. */
  turnId?: string;
  /** Names of all its tools; a child of its own gets none beside them. */
  tools?: string[];
  /** Its result is fetched, not announced, and it is none of its requester's `maxChildrenPerAgent`. */
  collect: boolean;
  groupId?: string;
  completionTarget?: "parent";
  /** Its own; the tree's stands in `budgets`. */
  budget?: Budget;
  /** Absolute: where its attachments were put. */
  attachmentsDir?: string;
  /** They are left when its session has ended, until its transcript is put away. */
  retainAttachments?: boolean;
  /** Its session stays and takes follow-ups; of a session's runs only the newest has it, until the session is ended. */
  kept?: KeptTerms;
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
  /** Absent in lists of runs. */
  structured?: unknown;
  schemaError?: string;
  /** Its transcript was put away. */
  archivedAt?: number;
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
   causeCode, causeMessage, usage, startedAt, endedAt, unsettledBelow, task, resultBytesCut, mode, context, taskName,
   turnId, tools, collect, groupId, completionTarget, budget, attachmentsDir, retainAttachments, schemaError, archivedAt,
   kept, NULL AS structured, NULL AS resultText`,
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
    mode: row["mode"] as SpawnMode,
    context: row["context"] as SpawnContext,
    collect: row["collect"] === 1,
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
  for (const name of TEXTS) if (typeof row[name] === "string") run[name] = row[name];
  for (const name of TIMES) if (typeof row[name] === "number") run[name] = row[name];
  if (typeof row["tools"] === "string") run.tools = JSON.parse(row["tools"]) as string[];
  if (typeof row["budget"] === "string") run.budget = JSON.parse(row["budget"]) as Budget;
  if (typeof row["structured"] === "string") run.structured = JSON.parse(row["structured"]);
  if (typeof row["kept"] === "string") run.kept = JSON.parse(row["kept"]) as KeptTerms;
  if (row["completionTarget"] === "parent") run.completionTarget = "parent";
  if (row["retainAttachments"] === 1) run.retainAttachments = true;
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

/** Columns that are a text or nothing, or a time or nothing, and stand in a row as they are. */
const TEXTS = [
  ...(["parentRunId", "label", "model", "idempotencyKey", "answer"] as const),
  ...(["taskName", "turnId", "groupId", "attachmentsDir", "schemaError"] as const),
];
const TIMES = ["startedAt", "endedAt", "archivedAt"] as const;

export const TASK_CHARS = 2_000;
export const CAUSE_CHARS = 2_000;
export const RESULT_BYTES = 256 * 1024;
