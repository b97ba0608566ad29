/**
 * What the show knows: one row for the main agent and one for each run, folded from events. No clock, no terminal,
 * no promise in here: the same events give the same state. All text in the state is already clean for a terminal.
 */

import type { Cause } from "../../errors.ts";
import type { RunEvent } from "../../events.ts";
import type { Outcome, OutcomeStatus, Usage } from "../../types.ts";
import { terminalLine } from "./terminal-text.ts";

/** What is known before the first event. */
export type ViewHeader = {
  runtime: "inprocess" | "gateway";
  reason: string;
  model: string;
  workspace: string;
  mainSessionKey: string;
  startedAt: number;
};

/** Where the subagents work, and why there; model and workspace of the command are the main agent's alone then. */
export function whereAndWhy({ runtime, reason }: ViewHeader): string {
  return runtime === "gateway"
    ? `in the gateway (${reason}) the subagents, with its own models and workspaces`
    : `in process (${reason})`;
}

/** `waiting`: its own turn is over, its children's are not. A settled row's state is its outcome. */
export type RowState = "queued" | "running" | "waiting" | OutcomeStatus;

export type Row = {
  readonly runId: string;
  readonly sessionKey: string;
  readonly requesterSessionKey: string;
  /** The label, or the start of the task. */
  readonly name: string;
  readonly task: string;
  readonly label?: string;
  state: RowState;
  /** Calls under way, oldest first. */
  readonly tools: { toolCallId: string; tool: string; detail: string }[];
  /** Waits for the model between tools. */
  thinking: boolean;
  totalTokens: number;
  costUsd: number;
  model?: string;
  /** Why it didn't end well. */
  cause?: Cause;
  delivery: "none" | "delivered" | "undelivered";
  /** A gateway runs it, with its own model and in its own workspace. */
  inGateway: boolean;
  /** Milliseconds since the epoch. */
  acceptedAt: number;
  startedAt?: number;
  endedAt?: number;
  readonly children: Row[];
};

export type ViewState = {
  readonly header: ViewHeader;
  /** Its children are the roots of the tree. */
  readonly main: Row;
  /** Every run by its id, in the order they were accepted. */
  readonly runs: Map<string, Row>;
  /** The same rows and the main agent's by session key, to find a run's requester. */
  readonly sessions: Map<string, Row>;
};

export function initialView(header: ViewHeader): ViewState {
  const clean = {
    ...header,
    reason: terminalLine(header.reason),
    model: terminalLine(header.model),
    workspace: terminalLine(header.workspace),
  };
  const main = newRow({
    runId: MAIN_RUN_ID,
    sessionKey: header.mainSessionKey,
    requesterSessionKey: "",
    task: "",
    label: "main agent",
    at: header.startedAt,
  });
  main.state = "running";
  main.startedAt = header.startedAt;
  return { header: clean, main, runs: new Map(), sessions: new Map([[main.sessionKey, main]]) };
}

/** Folds one event into the state, in place. Events of runs never heard of are left alone. */
export function applyEvent(state: ViewState, event: RunEvent): void {
  if (event.type === "accepted") return accept(state, event);
  const row = rowOf(state, event.runId);
  if (row !== undefined) update(row, event);
}

/** The main agent has ended; `usage` is what all its turns took. */
export function endMain(state: ViewState, end: { outcome: Outcome; at: number; usage?: Usage }): void {
  const { main } = state;
  main.state = end.outcome.status;
  main.endedAt = end.at;
  if (end.outcome.cause !== undefined) main.cause = cleanCause(end.outcome.cause);
  if (end.usage !== undefined) {
    main.totalTokens = end.usage.totalTokens;
    main.costUsd = end.usage.costUsd;
  }
  clearActivity(main);
}

export function rowOf(state: ViewState, runId: string): Row | undefined {
  return runId === MAIN_RUN_ID ? state.main : state.runs.get(runId);
}

export function isSettled(row: Row): boolean {
  return row.state !== "queued" && row.state !== "running" && row.state !== "waiting";
}

function accept(state: ViewState, event: RunEvent & { type: "accepted" }): void {
  if (state.runs.has(event.runId)) return;
  const row = newRow(event);
  state.runs.set(event.runId, row);
  state.sessions.set(event.sessionKey, row);
  (state.sessions.get(event.requesterSessionKey) ?? state.main).children.push(row);
}

function update(row: Row, event: RunEvent): void {
  switch (event.type) {
    case "started":
      row.state = "running";
      row.startedAt ??= event.at;
      row.inGateway = event.threadId === 0;
      return;
    case "resumed":
      row.state = "running";
      return;
    case "waiting":
      row.state = "waiting";
      return clearActivity(row);
    case "model_request":
      row.thinking = true;
      row.model = terminalLine(event.model);
      return;
    case "tool_start":
      row.thinking = false;
      row.tools.push({
        toolCallId: event.toolCallId,
        tool: terminalLine(event.tool),
        detail: terminalLine(event.detail),
      });
      return;
    case "tool_end": {
      const index = row.tools.findIndex((call) => call.toolCallId === event.toolCallId);
      if (index >= 0) row.tools.splice(index, 1);
      return;
    }
    case "usage":
      row.thinking = false;
      row.totalTokens = event.usage.totalTokens;
      row.costUsd = event.usage.costUsd;
      row.model = terminalLine(event.model);
      return;
    case "settled":
      return settle(row, event);
    case "delivered":
    case "undelivered":
      row.delivery = event.type;
      return;
    default:
      return;
  }
}

function settle(row: Row, event: RunEvent & { type: "settled" }): void {
  const { status, cause } = event.outcome;
  row.state = status;
  if (cause !== undefined) row.cause = cleanCause(cause);
  row.totalTokens = event.usage.totalTokens;
  row.costUsd = event.usage.costUsd;
  if (event.model !== undefined) row.model = terminalLine(event.model);
  row.endedAt = event.at;
  clearActivity(row);
}

function cleanCause(cause: Cause): Cause {
  return { code: cause.code, message: terminalLine(cause.message) };
}

function clearActivity(row: Row): void {
  row.tools.length = 0;
  row.thinking = false;
}

function newRow(run: {
  runId: string;
  sessionKey: string;
  requesterSessionKey: string;
  task: string;
  label?: string;
  at: number;
}): Row {
  const label = run.label === undefined ? "" : terminalLine(run.label);
  const task = terminalLine(run.task);
  return {
    runId: run.runId,
    sessionKey: run.sessionKey,
    requesterSessionKey: run.requesterSessionKey,
    name: label || task || terminalLine(run.runId),
    task,
    ...(label === "" ? {} : { label }),
    state: "queued",
    tools: [],
    thinking: false,
    totalTokens: 0,
    costUsd: 0,
    delivery: "none",
    inGateway: false,
    acceptedAt: run.at,
    children: [],
  };
}

/** The run id that events of the main session carry. */
export const MAIN_RUN_ID = "main";
