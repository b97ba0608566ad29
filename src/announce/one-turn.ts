/** Results of the children of one requester's turn belong together (`announce.mode: "together"`). */

import type { PendingRow } from "../registry/outbox.ts";
import type { Queries, Turn } from "../registry/queries.ts";

/**
 * Of one requester's rows those that wait for nothing more: no child of the same turn has still to settle, in any
 * process and any runtime, that would have something to tell. Read of the registry, so it holds after a restart too.
 */
export function completeTurns(
  looks: Pick<Queries, "turnOf" | "turnsToCome">,
  requesterSessionKey: string,
  rows: readonly PendingRow[],
): PendingRow[] {
  if (rows.length === 0) return [];
  const open = new Set(looks.turnsToCome(requesterSessionKey));
  if (open.size === 0) return [...rows];
  return rows.filter(({ runId }) => {
    const turn = turnIn(looks, requesterSessionKey, runId);
    return turn === undefined || !open.has(turn.turnId);
  });
}

/**
 * The turn of this requester that a run goes back to: its own, or, for one that an ended child left behind, that child's.
 * Undefined when nobody knows any more.
 */
function turnIn({ turnOf }: Pick<Queries, "turnOf">, requesterSessionKey: string, runId: string): Turn | undefined {
  let turn = turnOf(runId);
  while (turn !== undefined && turn.requesterSessionKey !== requesterSessionKey) {
    turn = turn.parentRunId === undefined ? undefined : turnOf(turn.parentRunId);
  }
  return turn;
}
