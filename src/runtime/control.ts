/** Ending runs on request: the child that is named, and everything below it; sessions that stay, too, idle or not. */

import type { Cause } from "../errors.ts";
import type { RunRow } from "../registry/run-row.ts";
import { labelOf } from "../sessions/shown-label.ts";
import type { KillResult, Requester } from "../types.ts";
import { attachmentsAfterEnd } from "./attachments.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { Settler } from "./settler.ts";
import { activeChildren, controlled, endedText, isElsewhere, refuse, targetsOf } from "./targets.ts";
import type { Threads } from "./threads.ts";

export async function kill(
  parts: Parts,
  settler: Settler,
  threads: Threads,
  target: string,
  requester: Requester,
): Promise<KillResult> {
  const found = targetsOf(parts, target, requester);
  if ("refusal" in found) return found.refusal;
  const all = target.trim() === "all" || target.trim() === "*";
  const runs = all ? withKept(parts, found.runs, requester) : found.runs;
  const trees = [...new Set(runs.flatMap((row) => unsettledIn(parts, row)))];
  // First, and without an await: a follow-up that is being prepared isn't let in any more.
  const kept = endSessions(parts, threads, runs);
  const ended = await endAll(parts, settler, trees);
  const atWork = new Set(ended.map((run) => run.sessionKey));
  const killed = [
    ...ended.map((run) => run.facts.row),
    ...kept.filter(({ childSessionKey }) => !atWork.has(childSessionKey)),
  ];
  const labels = killed.map(labelOf);
  const [first] = runs;
  if (first === undefined) return { status: "done", ...NOBODY, killed: 0, labels, text: "No subagent is running." };
  const named = new Set(runs.map((row) => row.childSessionKey));
  const below = killed.filter((row) => !named.has(row.childSessionKey));
  const one = {
    ...controlled(first),
    cascadeKilled: below.length,
    cascadeLabels: below.map(labelOf),
    ...(all ? { killed: killed.length, labels } : {}),
  };
  if (killed.length > 0) {
    return { status: "ok", ...one, text: endedText(killed.length) };
  }
  if (trees.length === 0 && runs.some((row) => isElsewhere(parts, row))) {
    const text = `${labelOf(first)} is at work in another process that shares this state directory; end it from there.`;
    return refuse("error", "not_yours", text).refusal;
  }
  return { status: "done", ...one, text: all ? "No subagent is running." : `${labelOf(first)} had ended already.` };
}

/** Idle ones too. */
function withKept({ registry }: Parts, active: RunRow[], { sessionKey }: Requester): RunRow[] {
  const keys = new Set(active.map((row) => row.childSessionKey));
  const kept = registry.childrenOf(sessionKey, { since: Number.MAX_SAFE_INTEGER, kept: true });
  return [...active, ...kept.filter((row) => !keys.has(row.childSessionKey))];
}

/** Those named and all below them that stay; not where another process is at work. */
function endSessions(parts: Parts, threads: Threads, runs: RunRow[]): RunRow[] {
  const { registry } = parts;
  const below = (row: RunRow): RunRow[] =>
    registry.descendantsOf(row.childSessionKey, { since: Number.MAX_SAFE_INTEGER, kept: true });
  const staying = runs
    .flatMap((row) => [row, ...below(row)])
    .filter((row) => row.kept !== undefined && !isElsewhere(parts, row));
  const ended = [...new Map(staying.map((row) => [row.childSessionKey, row])).values()];
  registry.endSessions(ended.map((row) => row.childSessionKey));
  for (const row of ended) {
    threads.giveBack(row);
    attachmentsAfterEnd(parts, row);
  }
  return ended;
}

/** Ended before their threads know; what they had said is kept, where a tool that is slow to stop doesn't hold it up. */
async function endAll(parts: Parts, settler: Settler, runs: LiveRun[]): Promise<LiveRun[]> {
  const settled = runs.map(async (run) => {
    parts.lane.remove(run.id);
    const partial = run.stop(KILLED, PARTIAL_MS);
    return (await settler.settle(run, { status: "killed", cause: KILLED }, partial)) ? [run] : [];
  });
  return (await Promise.all(settled)).flat();
}

/** A run and all below it; by way of the registry, for a settled run may have children at work. */
function unsettledIn(parts: Parts, row: RunRow): LiveRun[] {
  const run = parts.live.get(row.runId);
  return [
    ...(run === undefined ? [] : [run]),
    ...activeChildren(parts, row.childSessionKey).flatMap((child) => unsettledIn(parts, child)),
  ];
}

const KILLED: Cause = { code: "run_killed", message: "The run was ended by its requester." };
/** An engine answers an abort within milliseconds, unless a tool of its won't stop. */
const PARTIAL_MS = 500;
const NOBODY = { runId: "", sessionKey: "", label: "", cascadeKilled: 0, cascadeLabels: [] };
