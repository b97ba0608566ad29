/** Forgetting: what ended a week ago, and nothing that anybody still waits for or that is still to be put away. */

import type { Database } from "./database.ts";

/**
 * The returned function looks at the oldest 1,000 runs only, so that a call is short; it says how many it deleted.
 * `keepUnarchived`: a run whose transcript is to be put away stays until it is, or until a later run of its session
 * stands for it. What a session that stays is gone on from is never forgotten.
 */
export function runPurger(db: Database): (ageMs: number, now: number, keepUnarchived: boolean) => number {
  const purge = db.prepare(`
    DELETE FROM runs WHERE id IN (
      SELECT id FROM (
        SELECT id, runId, childSessionKey, endedAt, unsettledBelow, archivedAt, attachmentsDir, retainAttachments
        FROM runs WHERE kept IS NULL ORDER BY id LIMIT 1000
      ) AS oldest
      WHERE endedAt < :before AND unsettledBelow = 0
        AND (attachmentsDir IS NULL OR retainAttachments = 1 OR EXISTS (SELECT 1 FROM runs AS later
          WHERE later.childSessionKey = oldest.childSessionKey AND later.attachmentsDir IS NOT NULL AND later.id > oldest.id))
        AND (:keepUnarchived = 0 OR archivedAt IS NOT NULL OR EXISTS (SELECT 1 FROM runs AS later
          WHERE later.childSessionKey = oldest.childSessionKey AND later.id > oldest.id))
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.runId = oldest.runId)
    )`);
  const purgeUses = db.prepare(
    `DELETE FROM budgets WHERE substr(id, 5) NOT IN (
       SELECT runId FROM runs UNION ALL SELECT childSessionKey FROM runs WHERE budget IS NOT NULL
     )`,
  );
  return (ageMs, now, keepUnarchived) =>
    db.write(() => {
      const purged = Number(purge.run({ before: now - ageMs, keepUnarchived: keepUnarchived ? 1 : 0 }).changes);
      if (purged > 0) purgeUses.run();
      return purged;
    });
}
