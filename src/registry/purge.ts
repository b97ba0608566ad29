/** Forgetting: what ended a week ago, and nothing that anybody still waits for. */

import type { Database } from "./database.ts";

/** The returned function looks at the oldest 1,000 runs only, so that a call is short; it says how many it deleted. */
export function runPurger(db: Database): (ageMs: number, now: number) => number {
  const purge = db.prepare(`
    DELETE FROM runs WHERE id IN (
      SELECT id FROM (SELECT id, runId, endedAt, unsettledBelow FROM runs ORDER BY id LIMIT 1000) AS oldest
      WHERE endedAt < ? AND unsettledBelow = 0
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.runId = oldest.runId)
    )`);
  const purgeUses = db.prepare("DELETE FROM budgets WHERE substr(id, 5) NOT IN (SELECT runId FROM runs)");
  return (ageMs, now) =>
    db.write(() => {
      const purged = Number(purge.run(now - ageMs).changes);
      if (purged > 0) purgeUses.run();
      return purged;
    });
}
