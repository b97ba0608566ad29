/** Which children a caller means, and whether it may control them: its own, and a leaf none. */

import type { ErrorCode } from "../errors.ts";
import { listNumber } from "../list-number.ts";
import type { RunRow } from "../registry/run-row.ts";
import { clip } from "../sessions/clip.ts";
import { labelOf } from "../sessions/shown-label.ts";
import type { Controlled, ControlRefusal, ListOptions, Requester } from "../types.ts";
import type { Records } from "./parts.ts";

/** Where children are found: written ones and those at work here. */
type Lookup = Pick<Records, "registry" | "live">;

/** The newest run of each session that is meant, oldest first. */
export type Targets = { runs: RunRow[] } | { refusal: ControlRefusal };

/** @param target number in the list, run id or its first 8 characters or more, session key, task name or label or its beginning, `last`, `all`, `*` */
export function targetsOf(parts: Lookup, target: string, requester: Requester): Targets {
  const { registry } = parts;
  const named = target.trim();
  const self = registry.byChildSession(requester.sessionKey);
  if (self?.role === "leaf") {
    return refuse("forbidden", "not_yours", "This session is a leaf: it has no subagents and controls none.");
  }
  if (named === requester.sessionKey || (self !== undefined && named === self.runId)) {
    return refuse("forbidden", "not_yours", "A session can't control itself; name one of its subagents.");
  }
  if (named === "all" || named === "*") return { runs: activeChildren(parts, requester.sessionKey) };
  if (named === "last") {
    const last = registry.childrenOf(requester.sessionKey).at(-1);
    return last === undefined
      ? refuse("error", "not_found", "This session has started no subagent.")
      : { runs: [current(parts, last)] };
  }
  const number = listNumber(named);
  const shown = number === undefined ? [] : listed(parts, requester.sessionKey);
  const byNumber = number === undefined ? undefined : shown[number - 1];
  if (byNumber !== undefined) return { runs: [byNumber] };
  const resolved = registry.resolve(requester.sessionKey, named);
  // Beyond the list a number names nothing but a run that is called so.
  if (!("whole" in resolved) || (number !== undefined && !resolved.whole)) {
    if (number === undefined) return notOwn(registry, named);
    return refuse("error", "not_found", `There is no number ${named}: the list has ${shown.length}.`);
  }
  return "found" in resolved
    ? { runs: [current(parts, resolved.found)] }
    : refuse("error", "ambiguous", whichOf(named, resolved.candidates));
}

/** Says which runs a target could be. */
export function whichOf(target: string, candidates: RunRow[]): string {
  const names = candidates.slice(0, NAMED).map((row) => `${labelOf(row)} (${row.runId})`);
  const more = candidates.length - names.length;
  const all = more > 0 ? [...names, `${more} more`] : names;
  return `${clip(target, 100)} could be any of ${all.join(", ")}; give the run id.`;
}

function notOwn(registry: Lookup["registry"], named: string): { refusal: ControlRefusal } {
  const elsewhere = registry.run(named) ?? registry.byChildSession(named);
  const shown = clip(named, 100);
  return elsewhere === undefined
    ? refuse("error", "not_found", `No subagent of this session is called ${shown}; list them to see their ids.`)
    : refuse("forbidden", "not_yours", `${shown} was started by another session, which alone controls it.`);
}

/** Children as a list shows them: active ones, those that stay and those that ended lately, oldest first, each session once. */
export function listed({ registry }: Lookup, sessionKey: string, options: ListOptions = {}): RunRow[] {
  const since = Date.now() - (options.recentMinutes ?? LISTED_MINUTES) * 60_000;
  const rows = options.descendants
    ? registry.descendantsOf(sessionKey, { since, kept: true })
    : registry.childrenOf(sessionKey, { since, kept: true });
  // A session that was begun anew under another run id is one child.
  const newest = new Map(rows.map((row) => [row.childSessionKey, row.runId]));
  return rows.filter((row) => newest.get(row.childSessionKey) === row.runId);
}

/** Children at work, those with descendants at work, and those whose end isn't told yet: a kill waits for that. */
export function activeChildren({ registry, live }: Lookup, sessionKey: string): RunRow[] {
  const active = registry.childrenOf(sessionKey, { since: Number.MAX_SAFE_INTEGER });
  const listed = new Set(active.map((row) => row.runId));
  const untold = live.untoldChildrenOf(sessionKey).filter((run) => !listed.has(run.id));
  return [...active, ...untold.flatMap((run) => registry.run(run.id) ?? [])];
}

export function controlled(row: RunRow): Controlled {
  return { runId: row.runId, sessionKey: row.childSessionKey, label: labelOf(row) };
}

export function endedText(count: number): string {
  return `Ended ${count} subagent${count === 1 ? "" : "s"}.`;
}

/** Unsettled, and no run of this process: only another process that shares the state directory can reach it. */
export function isElsewhere({ live }: Pick<Lookup, "live">, row: RunRow): boolean {
  return row.state !== "settled" && live.get(row.runId) === undefined;
}

export function refuse(status: ControlRefusal["status"], code: ErrorCode, error: string): { refusal: ControlRefusal } {
  return { refusal: { status, code, error, text: error } };
}

/** A run id that was given up for another in the same session stands for that one. */
function current({ registry }: Lookup, row: RunRow): RunRow {
  return registry.byChildSession(row.childSessionKey) ?? row;
}

const LISTED_MINUTES = 30;
/** So many of those that a target could be; a name's beginning may fit hundreds. */
const NAMED = 10;
