/** The end of a transcript that isn't to be kept (`cleanup: "delete"`): once told of, or once settled in silence. */

import { rename } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import type { AfterRun } from "./after-run.ts";
import type { Parts } from "./parts.ts";
import { isThreadRun } from "./recover.ts";

export function putAwayAfter({ registry, logger, loose }: Pick<Parts, "registry" | "logger" | "loose">): AfterRun {
  const putAwayNow = async (runId: string, transcriptPath: string): Promise<void> => {
    await putAway(transcriptPath, logger);
    registry.archive.archived(runId, Date.now());
  };
  return {
    settled: ({ id, sessionKey, execution, facts: { row } }, owes) => {
      if (owes || row.cleanup !== "delete") return;
      // Killed, its thread may be writing yet.
      void (execution?.released ?? Promise.resolve()).then(() => {
        const work = async (): Promise<void> => {
          // A session that was interrupted goes on under another run id.
          if (registry.byChildSession(sessionKey)?.runId === id) await putAwayNow(id, row.transcriptPath);
        };
        loose.add(id, work(), NOT_PUT_AWAY);
      });
    },
    delivered: (row) => {
      if (row.cleanup !== "delete") return;
      if (isThreadRun(row)) loose.add(row.runId, putAwayNow(row.runId, row.transcriptPath), NOT_PUT_AWAY);
      else logger.warn({ sessionKey: row.childSessionKey }, "a session stays in the gateway that another process used");
    },
  };
}

/** A transcript is renamed, never destroyed. */
export async function putAway(path: string, logger: Logger): Promise<void> {
  const stamp = new Date().toISOString().replaceAll(":", "-");
  await rename(path, `${path}.deleted.${stamp}`).catch((error: unknown) => {
    // Ended before it began to write.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    logger.warn({ path }, `${NOT_PUT_AWAY}: ${messageOf(error)}`);
  });
}

const NOT_PUT_AWAY = "a transcript could not be put away";
