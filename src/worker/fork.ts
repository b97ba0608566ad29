/** A transcript made from another session's: what was said up to a moment, and then the child's own. */

import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { EngineTask } from "../channel/protocol.ts";
import { InprocessError, messageOf } from "../errors.ts";
import { branchOf, headerLine, messageLine } from "../sessions/transcript-format.ts";
import { unanswered } from "./transcript.ts";

/**
 * Makes the task's transcript (folder 0700, file 0600) when it is to begin with another and isn't there yet. Written at
 * once, so that a thread that is lost leaves either none or all of it.
 * @returns whether it was made
 * @throws InprocessError `transcript_unusable`
 */
export function beginFork({ forkOf, transcriptPath, sessionId, workspaceDir }: BeginOf): boolean {
  if (forkOf === undefined || existsSync(transcriptPath)) return false;
  try {
    const messages = branchOf(readBeginning(forkOf.path, forkOf.bytes));
    messages.push(...unanswered(messages, ANSWERED_ELSEWHERE));
    let lines = headerLine(sessionId, workspaceDir);
    let above: string | null = null;
    for (const message of messages) {
      const { id, line } = messageLine(message, above);
      above = id;
      lines += line;
    }
    mkdirSync(dirname(transcriptPath), { recursive: true, mode: 0o700 });
    writeFileSync(transcriptPath, lines, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    throw new InprocessError(
      "transcript_unusable",
      `The transcript ${forkOf.path}, which this session was to begin with, can't be used: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

type BeginOf = Pick<EngineTask, "forkOf" | "transcriptPath" | "sessionId" | "workspaceDir">;

function readBeginning(path: string, bytes: number): string {
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).size < bytes) throw new Error("it is shorter than it was");
    const buffer = Buffer.alloc(bytes);
    let filled = 0;
    while (filled < bytes) {
      const read = readSync(file, buffer, filled, bytes - filled, filled);
      if (read === 0) throw new Error("it is shorter than it was");
      filled += read;
    }
    return buffer.toString("utf8");
  } finally {
    closeSync(file);
  }
}

const ANSWERED_ELSEWHERE =
  "This call was made by the session that this one was branched from, and its result went there. It isn't yours to wait for or to repeat.";
