/** Ending runs on request: the child that is named, and everything below it. */

import type { Cause } from "../errors.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { KillResult, Requester } from "../types.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { Settler } from "./settler.ts";
import { activeChildren, controlled, endedText, isElsewhere, labelOf, refuse, targetsOf } from "./targets.ts";

export async function kill(parts: Parts, settler: Settler, target: string, requester: Requester): Promise<KillResult> {
  const found = targetsOf(parts, target, requester);
  if ("refusal" in found) return found.refusal;
  const { runs } = found;
  const all = target.trim() === "all" || target.trim() === "*";
  const trees = [...new Set(runs.flatMap((row) => unsettledIn(parts, row)))];
  const killed = await endAll(parts, settler, trees);
  const labels = killed.map((run) => labelOf(run.facts.row));
  const [first] = runs;
  if (first === undefined) return { status: "done", ...NOBODY, killed: 0, labels, text: "No subagent is running." };
  const named = new Set(runs.map((row) => row.runId));
  const below = killed.filter((run) => !named.has(run.id));
  const one = {
    ...controlled(first),
    cascadeKilled: below.length,
    cascadeLabels: below.map((run) => labelOf(run.facts.row)),
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
