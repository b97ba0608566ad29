/** What a session's descendants have said: who may see it, and how much of it. */

import { InprocessError } from "../errors.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { HistoryReader } from "../sessions/history-reader.ts";
import type { HistoryWindow } from "../sessions/history-view.ts";
import { clip } from "../sessions/clip.ts";
import type { History, HistoryOptions, Requester } from "../types.ts";
import { secretsFor } from "./known-secrets.ts";
import type { Parts } from "./parts.ts";
import { isAbove } from "./views.ts";

/** @throws InprocessError `not_found`, `not_yours`, `params_invalid`, `transcript_unusable` */
export async function readHistory(
  parts: Parts,
  reader: HistoryReader,
  sessionKey: string,
  requester: Requester,
  options: HistoryOptions,
): Promise<History> {
  const { row, window } = historyWindow(parts, sessionKey, requester, options);
  const view = await reader.read(row.transcriptPath, { ...window, secrets: await secretsFor(parts, row) });
  return { sessionKey: row.childSessionKey, ...view };
}

/** Whose messages are meant, and which of them. @throws InprocessError `not_found`, `not_yours`, `params_invalid` */
export function historyWindow(
  { registry }: Pick<Parts, "registry">,
  sessionKey: string,
  requester: Requester,
  options: HistoryOptions,
): { row: RunRow; window: Omit<HistoryWindow, "secrets"> } {
  const limit = within("limit", options.limit ?? 100, 1, 1000);
  const offset = within("offset", options.offset ?? 0, 0, Number.MAX_SAFE_INTEGER);
  const maxBytes = within("maxBytes", options.maxBytes ?? MAX_BYTES, 1024, MAX_BYTES);
  const named = sessionKey.trim();
  const row = registry.byChildSession(named) ?? registry.run(named);
  if (row === undefined) {
    throw new InprocessError(
      "not_found",
      `There is no subagent session ${clip(named, 100)}; list your subagents to see their session keys.`,
    );
  }
  if (!isAbove(registry, requester.sessionKey, row)) {
    throw new InprocessError("not_yours", `${clip(named, 100)} wasn't started by this session or one below it.`);
  }
  return { row, window: { limit, offset, includeTools: options.includeTools ?? false, maxBytes } };
}

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InprocessError("params_invalid", `history: ${name} must be a whole number from ${min} to ${max}.`);
}

const MAX_BYTES = 80 * 1024;
