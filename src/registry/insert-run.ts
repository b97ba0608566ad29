/** A run's row, written for the first time. */

import type { SQLInputValue } from "node:sqlite";

import type { Database } from "./database.ts";
import { cutChars, TASK_CHARS } from "./run-row.ts";
import type { NewRun } from "./run-row.ts";

/** The returned function writes inside its caller's transaction. */
export function runInserter(db: Database): (run: NewRun, ownerId: string) => void {
  const insert = db.prepare(INSERT_RUN);
  return (run, ownerId) => {
    const row: Record<string, SQLInputValue> = {
      runId: run.runId,
      ownerId,
      childSessionKey: run.childSessionKey,
      requesterSessionKey: run.requesterSessionKey,
      rootSessionKey: run.rootSessionKey,
      parentRunId: run.parentRunId ?? null,
      sessionId: run.sessionId,
      agentId: run.agentId,
      depth: run.depth,
      role: run.role,
      label: run.label ?? null,
      model: run.model ?? null,
      workspaceDir: run.workspaceDir,
      transcriptPath: run.transcriptPath,
      cleanup: run.cleanup,
      expectsCompletion: run.expectsCompletion ? 1 : 0,
      idempotencyKey: run.idempotencyKey ?? null,
      answer: run.answer ?? null,
      createdAt: run.createdAt,
      mode: run.mode,
      context: run.context,
      taskName: run.taskName ?? null,
      turnId: run.turnId ?? null,
      tools: run.tools === undefined ? null : JSON.stringify(run.tools),
      collect: run.collect ? 1 : 0,
      groupId: run.groupId ?? null,
      completionTarget: run.completionTarget ?? null,
      budget: run.budget === undefined ? null : JSON.stringify(run.budget),
      attachmentsDir: run.attachmentsDir ?? null,
      retainAttachments: run.retainAttachments === true ? 1 : 0,
      kept: run.kept === undefined ? null : JSON.stringify(run.kept),
      task: cutChars(run.task, TASK_CHARS),
    };
    // By place: each looked up by its name took as long as the insert itself.
    insert.run(...NAMES.map((name) => row[name]!));
  };
}

const COLUMNS =
  "runId ownerId childSessionKey requesterSessionKey rootSessionKey parentRunId sessionId agentId depth role label model " +
  "workspaceDir transcriptPath cleanup expectsCompletion idempotencyKey answer createdAt mode context taskName turnId " +
  "tools collect groupId completionTarget budget attachmentsDir retainAttachments kept task";

const NAMES = COLUMNS.split(" ");
const INSERT_RUN = `INSERT INTO runs (state, ${NAMES.join(", ")}) VALUES ('queued', ${NAMES.map(() => "?").join(", ")})`;
