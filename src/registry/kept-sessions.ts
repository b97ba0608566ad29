/**
 * Sessions that stay when their run has settled, and take follow-ups, each a run of its own:
 * `at work ⇄ idle → ended`. That a session stays stands in its newest run (`kept`); once it doesn't, the session has
 * ended and is put away in time as any other. Only an idle one can be gone on with, and by one run at a time, whichever
 * process begins it.
 */

import type { AdmissionCheck } from "./admission-checks.ts";
import { COUNT_FOR_ANCESTORS } from "./admission.ts";
import type { Database } from "./database.ts";
import type { NewRun } from "./run-row.ts";

/** Lets a follow-up in where nobody is at work, and hands over to it what the run before it had. */
export function sessionCheck(db: Database): AdmissionCheck {
  const newest = db.prepare("SELECT state, kept FROM runs WHERE childSessionKey = ? ORDER BY id DESC LIMIT 1");
  const handOver = handingOver(db);
  return {
    refuse: ({ kept, childSessionKey }) => {
      const before = kept === undefined ? undefined : newest.get(childSessionKey);
      if (before === undefined) return undefined;
      if (before["state"] !== "settled") return { ok: false, reason: "session", ended: false };
      return before["kept"] === null ? { ok: false, reason: "session", ended: true } : undefined;
    },
    take: (run) => {
      if (run.kept !== undefined) handOver(run);
    },
  };
}

/** Inside its caller's transaction: that the session stays, and what is still at work below the run before this one. */
function handingOver(db: Database): (run: NewRun) => void {
  const previous = db.prepare(
    `SELECT runId, parentRunId, unsettledBelow FROM runs
     WHERE childSessionKey = :childSessionKey AND runId <> :runId ORDER BY id DESC LIMIT 1`,
  );
  const noLonger = db.prepare("UPDATE runs SET kept = NULL WHERE runId = ?");
  const setBelow = db.prepare("UPDATE runs SET unsettledBelow = :below WHERE runId = :runId");
  const takeChildren = db.prepare(
    "UPDATE runs SET parentRunId = :runId WHERE requesterSessionKey = :childSessionKey AND parentRunId = :before",
  );
  const count = db.prepare(COUNT_FOR_ANCESTORS);
  return ({ runId, childSessionKey, parentRunId }) => {
    const row = previous.get({ childSessionKey, runId });
    if (row === undefined) return;
    const before = String(row["runId"]);
    noLonger.run(before);
    const below = Number(row["unsettledBelow"]);
    if (below === 0) return;
    setBelow.run({ below, runId });
    setBelow.run({ below: 0, runId: before });
    takeChildren.run({ runId, childSessionKey, before });
    // The requester may be another run by now: they are counted above the new one.
    if (typeof row["parentRunId"] === "string") count.run({ by: -below, parentRunId: row["parentRunId"] });
    if (parentRunId !== undefined) count.run({ by: below, parentRunId });
  };
}

/** @returns ends sessions: none of them is gone on with any more, whatever is being prepared for it */
export function sessionEnder(db: Database): (childSessionKeys: readonly string[]) => void {
  const end = db.prepare("UPDATE runs SET kept = NULL WHERE childSessionKey = ? AND kept IS NOT NULL");
  return (childSessionKeys) => {
    if (childSessionKeys.length > 0) db.write(() => childSessionKeys.forEach((key) => end.run(key)));
  };
}
