/** What is written when a run has ended: its outcome, what it came to, and the completion that it owes. */

import { completionMessage, reportedText } from "../announce/completion-text.ts";
import { isSilent } from "../announce/spoken-answer.ts";
import type { Settlement } from "../registry/settlement.ts";
import type { BudgetUse, Completion, Outcome, RunView } from "../types.ts";
import type { TrackedRun } from "./tracked-run.ts";

/** @param at milliseconds since the epoch */
export function settlementOf(run: TrackedRun, at: number, budgetUse: BudgetUse | undefined): Settlement {
  const outcome = run.outcome.settled!;
  const { usage } = run;
  const model = run.answeredBy;
  return {
    runId: run.id,
    outcome,
    at,
    usage,
    text: run.text,
    ...(model === undefined ? {} : { model }),
    ...structuredOf(run),
    ...(budgetUse === undefined ? {} : { budgetUse }),
    ...(owesCompletion(run, outcome) ? { completion: completionOf(run, outcome, at, budgetUse) } : {}),
  };
}

/** Killed runs and runs nobody waits for are settled in silence, as is an answer that asks for it. */
function owesCompletion(run: TrackedRun, outcome: Outcome): boolean {
  if (!run.facts.row.expectsCompletion || outcome.status === "killed") return false;
  return outcome.status !== "ok" || !isSilent(run.text);
}

function completionOf(run: TrackedRun, outcome: Outcome, at: number, budgetUse: BudgetUse | undefined): Completion {
  const { usage, text, startedAt, answeredBy, facts } = run;
  // The row says which model was asked for; here it is the one that answered.
  const { model: _asked, ...row } = facts.row;
  return completionOfRow(
    {
      ...row,
      usage,
      text,
      endedAt: at,
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(answeredBy === undefined ? {} : { model: answeredBy }),
      ...structuredOf(run),
      ...(budgetUse === undefined ? {} : { budgetUse }),
    },
    outcome,
  );
}

function structuredOf({ structured, schemaError }: Pick<TrackedRun, "structured" | "schemaError">) {
  return {
    ...(structured === undefined ? {} : { structured }),
    ...(schemaError === undefined ? {} : { schemaError }),
  };
}

/** The completion of a settled run, or of one that another process left behind. */
export function completionOfRow(
  row: Pick<RunView, "runId" | "childSessionKey" | "requesterSessionKey" | "task" | "usage"> & {
    label?: string;
    model?: string;
    text?: string;
    textBytesCut?: number;
    completionTarget?: "parent";
    startedAt?: number;
    endedAt?: number;
    structured?: unknown;
    schemaError?: string;
    budgetUse?: BudgetUse | undefined;
    sessionId: string;
    transcriptPath: string;
  },
  outcome: Outcome,
): Completion {
  return withMessage({
    key: completionKey(row.runId),
    runId: row.runId,
    childSessionKey: row.childSessionKey,
    sessionId: row.sessionId,
    requesterSessionKey: row.requesterSessionKey,
    outcome,
    text: row.text ?? "",
    usage: row.usage,
    task: row.task,
    runtimeMs: row.startedAt === undefined ? 0 : Math.max(0, (row.endedAt ?? Date.now()) - row.startedAt),
    transcriptPath: row.transcriptPath,
    ...(row.model === undefined ? {} : { model: row.model }),
    ...(row.label === undefined ? {} : { label: row.label }),
    ...(row.completionTarget === undefined ? {} : { completionTarget: row.completionTarget }),
    ...(row.textBytesCut === undefined || row.textBytesCut === 0 ? {} : { textBytesCut: row.textBytesCut }),
    ...structuredOf(row),
    ...(row.budgetUse === undefined ? {} : { budget: row.budgetUse }),
  });
}

function withMessage(facts: Parameters<typeof completionMessage>[0]): Completion {
  const { transcriptPath: _shownOnly, textBytesCut, ...completion } = facts;
  const text = reportedText(facts.outcome, facts.text);
  const cut = textBytesCut === undefined || text === "" ? {} : { textBytesCut };
  return { ...completion, ...cut, text, message: completionMessage(facts) };
}

function completionKey(runId: string): string {
  return `subagent:${runId}`;
}
