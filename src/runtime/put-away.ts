/** The end of a transcript that isn't to be kept (`cleanup: "delete"`): once told of, or once settled in silence. */

import { rename } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { AfterRun } from "./after-run.ts";
import type { Parts } from "./parts.ts";
import { isThreadRun } from "./recover.ts";

export function putAwayAfter(parts: Pick<Parts, "registry" | "logger" | "loose" | "host">): AfterRun {
  const { registry, logger, loose } = parts;
  const putAwayNow = async (row: PutAway & Pick<RunRow, "runId">): Promise<void> => {
    await putAway(parts, row);
    registry.archive.archived(row.runId, Date.now());
  };
  return {
    settled: ({ id, sessionKey, execution, facts: { row } }, owes) => {
      if (owes || row.cleanup !== "delete") return;
      // Killed, its thread may be writing yet.
      void (execution?.released ?? Promise.resolve()).then(() => {
        const work = async (): Promise<void> => {
          // A session that was interrupted goes on under another run id.
          if (registry.byChildSession(sessionKey)?.runId === id) await putAwayNow(row);
        };
        loose.add(id, work(), NOT_PUT_AWAY);
      });
    },
    delivered: (row) => {
      if (row.cleanup !== "delete") return;
      if (isThreadRun(row)) loose.add(row.runId, putAwayNow(row), NOT_PUT_AWAY);
      else logger.warn({ sessionKey: row.childSessionKey }, "a session stays in the gateway that another process used");
    },
  };
}

type PutAway = Pick<RunRow, "transcriptPath" | "childSessionKey" | "agentId" | "sessionId">;

/**
 * A transcript is renamed, never destroyed; then the host's own entry of the session goes.
 * @throws what the host says against it
 */
export async function putAway({ host, logger }: Pick<Parts, "host" | "logger">, row: PutAway): Promise<void> {
  const { transcriptPath: path, childSessionKey: sessionKey, agentId, sessionId } = row;
  const stamp = new Date().toISOString().replaceAll(":", "-");
  await rename(path, `${path}.deleted.${stamp}`).catch((error: unknown) => {
    // Ended before it began to write.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    logger.warn({ path }, `${NOT_PUT_AWAY}: ${messageOf(error)}`);
  });
  await host.sessionPutAway?.({ sessionKey, agentId, sessionId });
}

export const NOT_PUT_AWAY = "a transcript could not be put away";
