/** How many results a session has still to expect: those of its children, and of what children that are over left behind. */

import type { RunView } from "../../types.ts";

/**
 * @param runs all below the session
 * @param told run ids of what it is being told now
 */
export function stillToCome(runs: readonly RunView[], sessionKey: string, told: readonly string[]): number {
  const bySession = new Map(runs.map((run) => [run.childSessionKey, run]));
  const isOver = (run: RunView | undefined): boolean => run?.state === "settled";
  // A result goes to the nearest above that isn't over: a restart ends an orchestrator before its children's are told.
  const comesHere = ({ requesterSessionKey }: RunView): boolean => {
    if (requesterSessionKey === sessionKey) return true;
    const above = bySession.get(requesterSessionKey);
    return above !== undefined && isOver(above) && comesHere(above);
  };
  const isOrphan = (run: RunView): boolean => run.requesterSessionKey !== sessionKey;
  return runs.filter((run) => {
    if (told.includes(run.runId) || !comesHere(run)) return false;
    if (run.expectsCompletionMessage === false && !isOver(run)) return false;
    return !isOver(run) || (isOrphan(run) && run.delivery === "pending");
  }).length;
}
