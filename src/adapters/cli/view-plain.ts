/** The show where there is no terminal: one plain line for each notable event, no control codes. */

import type { RunEvent } from "../../events.ts";
import type { Usage } from "../../types.ts";
import { cutToColumns, terminalLine } from "./terminal-text.ts";
import { counted, duration, tokens } from "./units.ts";
import { LOOKS } from "./view-frame.ts";
import { rowOf, whereAndWhy, type Row, type ViewState } from "./view-state.ts";

/** What is running, before the first event. */
export function plainHeader({ header }: ViewState): string {
  const main = header.runtime === "gateway" ? "; in process the main agent" : "";
  return stamped(0, `${whereAndWhy(header)}${main}, model ${header.model}, workspace ${header.workspace}`);
}

/** Takes each event once it is folded into `state`, and gives the lines it is worth: none, one, or two. */
export function plainStory(state: ViewState): (event: RunEvent) => string[] {
  const calls = new Map<string, number>();
  const started = new Set<string>();
  return (event) => {
    const row = rowOf(state, event.runId);
    if (row === undefined) return [];
    const said = (text: string) => stamped(event.at - state.header.startedAt, `${row.name}: ${text}`);
    const count = calls.get(event.runId) ?? 0;
    if (event.type === "tool_start") {
      calls.set(event.runId, count + 1);
      if (count >= SHOWN_CALLS) return [];
    }
    const lines: string[] = [];
    // The model is asked again, or the run is over: what one answer of it asked for is complete.
    if (event.type === "model_request" || event.type === "settled") {
      if (count > SHOWN_CALLS) lines.push(said(`and ${counted(count - SHOWN_CALLS, "more call")}`));
      calls.delete(event.runId);
    }
    const text = story(event, row, started.has(event.runId));
    if (event.type === "started") started.add(event.runId);
    if (text !== undefined) lines.push(said(text));
    return lines;
  };
}

function story(event: RunEvent, row: Row, again: boolean): string | undefined {
  switch (event.type) {
    case "accepted": {
      const task = row.task === row.name ? "" : `: ${cutToColumns(row.task, MAX_TASK)}`;
      const place = event.queuePosition > 0 ? `, ${counted(event.queuePosition, "run")} ahead of it` : "";
      return `accepted as run ${terminalLine(event.runId).slice(0, 8)}${place}${task}`;
    }
    case "started":
      return `${again ? "goes on" : "started"} in ${event.threadId === 0 ? "the gateway" : `thread ${event.threadId}`}`;
    case "resumed":
      return RESUMED[event.reason];
    case "waiting":
      return `waits for ${counted(event.children, "subagent")}`;
    case "tool_start":
      return `${terminalLine(event.tool)} ${terminalLine(event.detail)}`.trimEnd();
    case "tool_end":
      return event.isError ? `${terminalLine(event.tool)} answered with an error` : undefined;
    case "retry":
      return `asks ${terminalLine(event.model)} again: ${terminalLine(event.reason)}`;
    case "settled": {
      const why = event.outcome.cause === undefined ? "" : ` (${terminalLine(event.outcome.cause.message)})`;
      return `${LOOKS[event.outcome.status].word}${why}, ${spent(event.usage, row)}, ${duration(event.runtimeMs)}`;
    }
    case "delivered":
      return "result delivered to its requester";
    case "undelivered":
      return `result could not be delivered: ${terminalLine(event.reason)}`;
    default:
      return undefined;
  }
}

function spent(usage: Usage, row: Row): string {
  if (row.inGateway && usage.totalTokens === 0) return "the gateway told of no tokens";
  return `${tokens(usage.totalTokens)}, ${counted(usage.toolCalls, "tool call")}`;
}

function stamped(ms: number, text: string): string {
  return `[${duration(ms)}] ${text}`;
}

/** Columns of a task shown when a run is accepted. */
const MAX_TASK = 100;
/** Tool calls shown of those that one answer of the model asks for; the others are counted. */
const SHOWN_CALLS = 4;

const RESUMED: Record<Extract<RunEvent, { type: "resumed" }>["reason"], string> = {
  children_settled: "goes on, its subagents are done",
  thread_lost: "goes on in another thread, its own was lost",
  steered: "goes on, its requester had more to say",
};
