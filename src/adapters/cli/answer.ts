/** The end of a run: what is said of it, on which stream, with which exit code. */

import type { Cause } from "../../errors.ts";
import type { StandaloneResult } from "../standalone-host.ts";
import { EXIT, PROGRAM } from "./exit-codes.ts";
import type { WriteLine } from "./json-lines.ts";
import type { StopReason } from "./stop-signals.ts";
import { terminalBlock, terminalLine } from "./terminal-text.ts";
import { isSettled, type Row, type ViewState } from "./view-state.ts";

export type RunEnd =
  | { kind: "answered"; result: StandaloneResult }
  | { kind: "failed"; cause: Cause | undefined; result?: StandaloneResult }
  | { kind: "stopped"; reason: StopReason; interrupted: { runId: string; label?: string; task: string }[] };

export function exitCodeOf(end: RunEnd): number {
  if (end.kind !== "stopped") return hasAnswer(end) ? EXIT.ok : EXIT.failed;
  if (end.reason.kind === "signal") return EXIT.interrupted;
  return end.reason.kind === "output_closed" ? EXIT.outputClosed : EXIT.failed;
}

/** A main agent may end well without a word: then nothing failed, and yet there is no answer. */
export function hasAnswer(end: RunEnd): boolean {
  return end.kind === "answered" && end.result.text !== "";
}

/** Writes the answer to standard output, or why there is none to standard error; with `writeLine` the last line of JSON too. */
export async function sayEnd(
  end: RunEnd,
  where: {
    state: ViewState;
    transcript: string;
    writeLine: WriteLine | undefined;
    proc: Pick<NodeJS.Process, "stdout" | "stderr">;
  },
): Promise<void> {
  const { proc, writeLine } = where;
  for (const line of endLines(end, where.transcript)) proc.stderr.write(`${line}\n`);
  if (writeLine !== undefined) return writeLine(answerObject(end, where.state, where.transcript));
  if (end.kind !== "answered") return;
  const text = proc.stdout.isTTY ? terminalBlock(end.result.text) : end.result.text;
  if (text !== "") proc.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

/** What standard error hears at the end, whether the show was wanted or not. */
export function endLines(end: RunEnd, transcript: string): string[] {
  const kept = `what was said is kept in ${terminalLine(transcript)}.`;
  if (end.kind === "answered")
    return !hasAnswer(end) ? [`${PROGRAM}: the main agent ended without a word; ${kept}`] : [];
  if (end.kind === "failed") {
    const why = end.cause === undefined ? "no cause was given" : terminalLine(end.cause.message).replace(/\.$/u, "");
    return [`${PROGRAM}: the main agent failed: ${why}; ${kept}`];
  }
  if (end.reason.kind === "output_closed") return [];
  if (end.reason.kind === "output_failed") {
    return [
      `${PROGRAM}: standard output can't be written (${terminalLine(end.reason.message)}), so the answer is lost to it; ${kept}`,
    ];
  }
  const names = end.interrupted.map((run) => `"${terminalLine(run.label ?? run.task, 80)}"`);
  const last = names.pop();
  const who = last === undefined ? "the main agent was" : `${["the main agent", ...names].join(", ")} and ${last} were`;
  const by = end.reason.signal === "SIGINT" ? "Ctrl-C" : end.reason.signal;
  return [`${PROGRAM}: interrupted by ${by} while ${who} at work; ${kept}`];
}

/** The last line of `--json`. */
export function answerObject(end: RunEnd, state: ViewState, transcript: string): Record<string, unknown> {
  const result = end.kind === "stopped" ? undefined : end.result;
  return {
    type: "answer",
    status: hasAnswer(end) ? "ok" : end.kind === "stopped" ? "interrupted" : "error",
    text: result?.text ?? "",
    ...(end.kind === "failed" ? { cause: end.cause } : {}),
    model: result?.model,
    usage: result?.usage,
    transcript,
    children: [...state.runs.values()].map(childObject),
  };
}

function childObject(row: Row): Record<string, unknown> {
  return {
    runId: row.runId,
    sessionKey: row.sessionKey,
    requesterSessionKey: row.requesterSessionKey,
    label: row.label,
    task: row.task,
    status: row.state,
    cause: row.cause,
    model: row.model,
    totalTokens: row.totalTokens,
    costUsd: row.costUsd,
    runtimeMs:
      isSettled(row) && row.endedAt !== undefined ? row.endedAt - (row.startedAt ?? row.acceptedAt) : undefined,
    delivery: row.delivery,
  };
}
