/** The end of a transcript that isn't to be kept (`cleanup: "delete"`): once told of, or once settled in silence. */

import { rename } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { AfterRun } from "./after-run.ts";
import type { Parts } from "./parts.ts";
import { isThreadRun } from "./recover.ts";

export function putAwayAfter({ registry, logger }: Pick<Parts, "registry" | "logger">): AfterRun {
  return {
    settled: ({ id, sessionKey, execution, facts: { row } }, owes) => {
      if (owes || row.cleanup !== "delete") return;
      const afterwards = async (): Promise<void> => {
        // Killed, its thread may be writing yet.
        await execution?.released;
        // A session that was interrupted goes on under another run id.
        if (registry.byChildSession(sessionKey)?.runId === id) await putAway(row.transcriptPath, logger);
      };
      // The runtime may be closed by then, and its registry with it.
      afterwards().catch((error: unknown) => logger.warn({ runId: id }, notPutAway(error)));
    },
    delivered: (row) => {
      if (row.cleanup !== "delete") return;
      if (isThreadRun(row)) void putAway(row.transcriptPath, logger);
      else logger.warn({ sessionKey: row.childSessionKey }, "a session stays in the gateway that another process used");
    },
  };
}

/** A transcript is renamed, never destroyed. */
export async function putAway(path: string, logger: Logger): Promise<void> {
  const stamp = new Date().toISOString().replaceAll(":", "-");
  await rename(path, `${path}.deleted.${stamp}`).catch((error: unknown) => {
    // Ended before it began to write.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") logger.warn({ path }, notPutAway(error));
  });
}

function notPutAway(error: unknown): string {
  return `a transcript could not be put away: ${messageOf(error)}`;
}
