/** What a start does with what dead processes left: each of their runs is settled once, told, and never run again by us. */

import type { Parts } from "./parts.ts";
import { completionOfRow } from "./settler.ts";

export function recover({ registry, logger }: Parts): void {
  registry.claimOwner();
  const left = registry.takeOverDead(Date.now(), (row, cause) =>
    completionOfRow(row, { status: "interrupted", cause }),
  );
  for (const row of left) {
    logger.warn({ runId: row.runId, label: row.label }, "a run was interrupted: the process that owned it had ended");
  }
  registry.purgeOlderThan();
}
