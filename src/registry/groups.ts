/** Batches of collected runs: how many of one haven't ended, and how many it has had in all. */

import type { AdmissionCheck } from "./admission-checks.ts";
import type { Database } from "./database.ts";

/** Only of collected runs, each of which names its batch; a batch is one requester session's. */
export function groupCheck(db: Database): AdmissionCheck {
  const countUnsettled = db.prepare(COUNT_UNSETTLED);
  const total = db.prepare("SELECT total FROM groups WHERE requesterSessionKey = ? AND groupId = ?");
  const countOne = db.prepare(`
    INSERT INTO groups (requesterSessionKey, groupId, total, createdAt) VALUES (?, ?, 1, ?)
    ON CONFLICT (requesterSessionKey, groupId) DO UPDATE SET total = total + 1`);
  return {
    refuse: ({ collect, requesterSessionKey, groupId }, { group }) => {
      if (!collect || groupId === undefined || group === undefined) return undefined;
      const ever = Number(total.get(requesterSessionKey, groupId)?.["total"] ?? 0);
      if (ever >= group.maxTotal) return { ok: false, reason: "group", ever: true, count: ever, limit: group.maxTotal };
      const { maxUnsettled: limit } = group;
      const count = Number(countUnsettled.get(requesterSessionKey, groupId, limit)?.["unsettled"]);
      return count < limit ? undefined : { ok: false, reason: "group", ever: false, count, limit };
    },
    take: ({ collect, requesterSessionKey, groupId, createdAt }) => {
      if (collect && groupId !== undefined) countOne.run(requesterSessionKey, groupId, createdAt);
    },
  };
}

/** Forgets batches begun so long ago of which no run is kept any more; says how many. */
export function groupPurger(db: Database): (ageMs: number, now: number) => number {
  const purge = db.prepare(`
    DELETE FROM groups WHERE createdAt < ? AND NOT EXISTS (
      SELECT 1 FROM runs WHERE runs.requesterSessionKey = groups.requesterSessionKey AND runs.groupId = groups.groupId
    )`);
  return (ageMs, now) => Number(db.write(() => purge.run(now - ageMs).changes));
}

/** The limit keeps the count cheap; the index carries it whole. `+?` for the reason that admission-checks.ts tells. */
export const COUNT_UNSETTLED = `
  SELECT COUNT(*) AS unsettled FROM (
    SELECT 1 FROM runs INDEXED BY runs_unsettled_by_group
    WHERE requesterSessionKey = ? AND groupId = ? AND state <> 'settled' LIMIT +?
  )`;
