/** A settled run's result, read again: by whoever waits for it, or looks later because it was never delivered. */

import type { Registry } from "../registry/registry.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { Completion, Outcome } from "../types.ts";
import { completionOfRow } from "./settlement-of-run.ts";

/**
 * With the whole answer while its completion is kept, until it is delivered or for a week; after that with the first
 * 256 KiB and `textBytesCut`.
 * @param row one by itself, for lists leave answers out
 * @param outcome of one that will be settled with it. @default the row's
 */
export function completionOfRun(
  { outbox, budgets }: Pick<Registry, "outbox" | "budgets">,
  row: RunRow,
  outcome: Outcome = row.outcome ?? { status: "ok" },
): Completion {
  const facts = { ...row, budgetUse: budgets.writtenUse(row.runId) };
  if (row.textBytesCut === 0) return completionOfRow(facts, outcome);
  const whole = outbox.byRun(row.runId)?.completion?.text;
  return completionOfRow(whole ? { ...facts, text: whole, textBytesCut: 0 } : facts, outcome);
}
