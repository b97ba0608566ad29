/** Which of a requester's runs a text names. */

import type { RunRow } from "./run-row.ts";

/**
 * What a target names. `ambiguous` says which runs it could be; `whole`: it is all of a name, not the beginning of one.
 */
export type Resolved =
  | { found: RunRow; whole: boolean }
  | { error: "not_found" }
  | { error: "ambiguous"; candidates: RunRow[]; whole: boolean };

type Sense = { whole: boolean; ways: ((run: RunRow, target: string) => boolean)[] };

/**
 * The closest sense that fits anything decides. In each, sessions that live come before those that have ended: a name
 * that is used again means the one that bears it now. Of ended ones with the same whole name the newest is meant, as
 * nothing can befall the others; what several begin with stays ambiguous.
 * @param runs oldest first
 */
export function resolve(runs: RunRow[], target: string): Resolved {
  if (target === "") return { error: "not_found" };
  const living = new Set(runs.filter(isLiving).map((run) => run.childSessionKey));
  for (const { whole, ways } of SENSES) {
    for (const lives of [true, false]) {
      for (const way of ways) {
        const fitting = runs.filter((run) => living.has(run.childSessionKey) === lives && way(run, target));
        const newest = fitting.at(-1);
        if (newest === undefined) continue;
        // A session that was begun anew has several runs, and the newest stands for it.
        const candidates = [...new Map(fitting.map((run) => [run.childSessionKey, run])).values()];
        if (candidates.length === 1 || (whole && !lives)) return { found: newest, whole };
        return { error: "ambiguous", candidates, whole };
      }
    }
  }
  return { error: "not_found" };
}

/** At work, with descendants at work, or staying for follow-ups. */
export function isLiving({ state, pendingDescendants, kept }: RunRow): boolean {
  return state !== "settled" || pendingDescendants > 0 || kept !== undefined;
}

/** Fewer characters of a run id are nothing that anybody means: among hundreds of runs some id begins with any of them. */
const RUN_ID_CHARS = 8;

/** The closest first, and in each the ways of naming in their order. */
const SENSES: Sense[] = [
  { whole: true, ways: [(run, target) => run.runId === target, (run, target) => run.childSessionKey === target] },
  { whole: true, ways: [(run, target) => run.taskName === target, (run, target) => run.label === target] },
  {
    whole: false,
    ways: [
      (run, target) => target.length >= RUN_ID_CHARS && run.runId.startsWith(target),
      (run, target) => run.taskName?.startsWith(target) === true,
      (run, target) => run.label?.startsWith(target) === true,
    ],
  },
];
