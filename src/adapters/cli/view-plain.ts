/** The show where there is no terminal: one plain line for each notable event, no control codes. */

import type { RunEvent } from "../../events.ts";
import type { Usage } from "../../types.ts";
import { terminalLine } from "./terminal-text.ts";
import { counted, duration, tokens } from "./units.ts";
import { LOOKS } from "./view-frame.ts";
import { rowOf, type ViewState } from "./view-state.ts";

/** What is running, before the first event. */
export function plainHeader({ header }: ViewState): string {
  return stamped(0, `in process (${header.reason}), model ${header.model}, workspace ${header.workspace}`);
}

/** The line for an event already folded into `state`; undefined when it isn't worth one. */
export function plainLine(state: ViewState, event: RunEvent): string | undefined {
  const row = rowOf(state, event.runId);
  const text = row === undefined ? undefined : story(event, row.name);
  return row === undefined || text === undefined
    ? undefined
    : stamped(event.at - state.header.startedAt, `${row.name}: ${text}`);
}

function story(event: RunEvent, name: string): string | undefined {
  switch (event.type) {
    case "accepted": {
      const task = terminalLine(event.task, MAX_TASK);
      const place = event.queuePosition > 0 ? `, ${counted(event.queuePosition, "run")} ahead of it` : "";
      return `accepted as run ${terminalLine(event.runId).slice(0, 8)}${place}${task === name ? "" : `: ${task}`}`;
    }
    case "started":
      return `started in thread ${event.threadId}`;
    case "resumed":
      return event.reason === "children_settled"
        ? "goes on, its subagents are done"
        : "goes on in another thread, its own was lost";
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
      return `${LOOKS[event.outcome.status].word}${why}, ${spent(event.usage)}, ${duration(event.runtimeMs)}`;
    }
    case "delivered":
      return "result delivered to its requester";
    case "undelivered":
      return `result could not be delivered: ${terminalLine(event.reason)}`;
    default:
      return undefined;
  }
}

function spent(usage: Usage): string {
  return `${tokens(usage.totalTokens)}, ${counted(usage.toolCalls, "tool call")}`;
}

function stamped(ms: number, text: string): string {
  return `[${duration(ms)}] ${text}`;
}

/** Characters of a task shown when a run is accepted. */
const MAX_TASK = 160;
