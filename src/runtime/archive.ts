/**
 * What ended runs leave behind is put away in time: their transcripts after `archiveAfterMinutes`, renamed and not
 * destroyed; those that aren't to be kept and whose process didn't get to it; attachments whose removal was cut short; folders of spawns that came to nothing. What is due stands in the
 * registry, so it doesn't matter which process looks, or how many restarts lie between.
 */

import { setImmediate as turn } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import type { RunRow } from "../registry/run-row.ts";
import { NOT_REMOVED, removeAttachments, removeFolder } from "./attachments.ts";
import type { Parts } from "./parts.ts";
import { putAway } from "./put-away.ts";
import { isThreadRun } from "./recover.ts";

type ArchiveParts = Pick<Parts, "config" | "host" | "registry" | "logger" | "undecided">;

/**
 * Looks at once, and then from time to time.
 * @param lookMs milliseconds between two looks
 * @returns the function that stops it: nothing is begun after it was called
 */
export function keepArchiving(parts: ArchiveParts, lookMs = LOOK_MS): () => void {
  const stop = new AbortController();
  const told = new Set<string>();
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      await putAwayAll(parts, stop.signal, told);
    } catch (error) {
      if (!stop.signal.aborted) parts.logger.warn({}, `nothing could be put away: ${messageOf(error)}`);
    }
    looking = false;
  };
  void look();
  const timer = setInterval(() => void look(), lookMs).unref();
  return () => {
    stop.abort();
    clearInterval(timer);
  };
}

/** @param told runs whose failure was logged */
async function putAwayAll(parts: ArchiveParts, signal: AbortSignal, told: Set<string>): Promise<void> {
  const { config, registry, undecided, logger } = parts;
  const { archiveAfterMinutes } = config.agents.defaults.subagents;
  // One that fails is tried again at the next look, and keeps none of the others.
  const each = async (rows: RunRow[], work: (row: RunRow) => Promise<void>): Promise<void> => {
    for (const row of rows) {
      // The loop is others' too.
      await turn();
      signal.throwIfAborted();
      try {
        await work(row);
        told.delete(row.runId);
      } catch (error) {
        signal.throwIfAborted();
        if (!told.has(row.runId)) logger.warn({ runId: row.runId }, `${NOT_REMOVED}: ${messageOf(error)}`);
        told.add(row.runId);
      }
    }
  };
  const archive = async (row: RunRow): Promise<void> => {
    if (isThreadRun(row)) await putAway(parts, row);
    await removeAttachments(parts, row);
    registry.archive.archived(row.runId, Date.now());
  };
  if (archiveAfterMinutes > 0) {
    await each(registry.archive.due(Date.now() - archiveAfterMinutes * 60_000, AT_ONCE), archive);
  }
  await each(registry.archive.unwanted(Date.now() - ITS_OWN_MS, AT_ONCE), archive);
  await each(registry.archive.leftAttachments(AT_ONCE), (row) => removeAttachments(parts, row));
  const isKnown = (folder: string): boolean => {
    signal.throwIfAborted();
    return registry.archive.holdsAttachments(folder);
  };
  await undecided.sweep(isKnown, removeFolder);
}

const LOOK_MS = 60_000;
/** A living process puts such a transcript away itself, as soon as the run's thread has let go. */
const ITS_OWN_MS = 60_000;
/** As many as a look takes; the rest is for the next. */
const AT_ONCE = 500;
