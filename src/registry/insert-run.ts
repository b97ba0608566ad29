/** A run's row, written for the first time. */

import type { Database } from "./database.ts";
import { cutChars, TASK_CHARS } from "./run-row.ts";
import type { NewRun } from "./run-row.ts";

/** The returned function writes inside its caller's transaction. */
export function runInserter(db: Database): (run: NewRun, ownerId: string) => void {
  const insert = db.prepare(INSERT_RUN);
  return (run, ownerId) => {
    insert.run({
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
      task: cutChars(run.task, TASK_CHARS),
    });
  };
}

const INSERT_RUN = `
  INSERT INTO runs (
    runId, state, ownerId, childSessionKey, requesterSessionKey, rootSessionKey, parentRunId, sessionId, agentId, depth,
    role, label, model, workspaceDir, transcriptPath, cleanup, expectsCompletion, idempotencyKey, answer, createdAt, task
  ) VALUES (
    :runId, 'queued', :ownerId, :childSessionKey, :requesterSessionKey, :rootSessionKey, :parentRunId, :sessionId,
    :agentId, :depth, :role, :label, :model, :workspaceDir, :transcriptPath, :cleanup, :expectsCompletion,
    :idempotencyKey, :answer, :createdAt, :task
  )`;
