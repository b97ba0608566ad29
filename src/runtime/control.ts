/** Ending runs on request: the child that is named, and everything below it. */

import type { Cause } from "../errors.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { ControlResult, Requester } from "../types.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { Settler } from "./settler.ts";

export async function kill(
  parts: Parts,
  settler: Settler,
  target: string,
  requester: Requester,
): Promise<ControlResult> {
  const found = find(parts, target, requester);
  if ("code" in found) return { status: "error", code: found.code, error: found.message };
  const [first] = found.runs;
  if (first === undefined) {
    return {
      status: "done",
      runId: "",
      sessionKey: "",
      cascadeKilled: 0,
      cascadeLabels: [],
      text: "No subagent is running.",
    };
  }
  const trees = found.runs.flatMap((row) => unsettledIn(parts, row));
  const killed = await endAll(parts, settler, [...new Set(trees)]);
  const named = new Set(found.runs.map((row) => row.runId));
  const below = killed.filter((run) => !named.has(run.id));
  const one = {
    runId: first.runId,
    sessionKey: first.childSessionKey,
    ...(first.label === undefined ? {} : { label: first.label }),
    cascadeKilled: below.length,
    cascadeLabels: below.map((run) => run.facts.row.label ?? run.id),
  };
  if (killed.length === 0) return { status: "done", ...one, text: `${nameOf(first)} had ended already.` };
  return { status: "ok", ...one, text: `Ended ${killed.length} subagent${killed.length === 1 ? "" : "s"}.` };
}

/** Settled before their threads know: a kill doesn't wait for a tool that is slow to stop. */
async function endAll(parts: Parts, settler: Settler, runs: LiveRun[]): Promise<LiveRun[]> {
  const settled = runs.map(async (run) => {
    parts.lane.remove(run.id);
    run.abort(KILLED);
    return (await settler.settle(run, { status: "killed", cause: KILLED })) ? [run] : [];
  });
  return (await Promise.all(settled)).flat();
}

/** A run and all below it; by way of the registry, for a settled run may have children at work. */
function unsettledIn(parts: Parts, row: RunRow): LiveRun[] {
  const run = parts.live.get(row.runId);
  return [
    ...(run === undefined ? [] : [run]),
    ...activeBelow(parts, row.childSessionKey).flatMap((child) => unsettledIn(parts, child)),
  ];
}

/** Children at work, those with descendants at work, and those whose end isn't told yet: a kill waits for that. */
function activeBelow({ registry, live }: Parts, sessionKey: string): RunRow[] {
  const active = registry.childrenOf(sessionKey, { since: Number.MAX_SAFE_INTEGER });
  const listed = new Set(active.map((row) => row.runId));
  const untold = live.untoldChildrenOf(sessionKey).filter((run) => !listed.has(run.id));
  return [...active, ...untold.flatMap((run) => registry.run(run.id) ?? [])];
}

function find(parts: Parts, target: string, requester: Requester): { runs: RunRow[] } | Cause {
  const { registry } = parts;
  if (target === "all" || target === "*") return { runs: activeBelow(parts, requester.sessionKey) };
  if (target === "last") {
    const last = registry.childrenOf(requester.sessionKey).at(-1);
    return last === undefined
      ? { code: "not_found", message: "This session has started no subagent." }
      : { runs: [last] };
  }
  const resolved = registry.resolve(requester.sessionKey, target);
  if ("found" in resolved) return { runs: [resolved.found] };
  if (resolved.error === "ambiguous") {
    const names = resolved.candidates.map((row) => `${nameOf(row)} (${row.runId})`).join(", ");
    return { code: "ambiguous", message: `${target} could be any of ${names}; give the run id.` };
  }
  return { code: "not_found", message: `No subagent of this session is called ${target}; list them to see their ids.` };
}

function nameOf(row: RunRow): string {
  return row.label ?? row.runId;
}

const KILLED: Cause = { code: "run_killed", message: "The run was ended by its requester." };
