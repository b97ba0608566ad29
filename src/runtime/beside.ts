/**
 * A gateway's runs beside those of this process: one announcer tells of both, so that results of one requester's turn
 * come together wherever its children worked.
 */

import type { RunRow } from "../registry/run-row.ts";

/** What the runtime in threads knows of the gateway's runtime whose completions it takes home. */
export type Beside = {
  /** Owner of those completions in the registry that both share. */
  readonly ownerId: string;
  /** Whether completions for this requester are written that aren't on the disk yet. */
  holdsFor(requesterSessionKey: string): boolean;
  /** One of its runs' completions was handed over. */
  delivered(row: RunRow): void;
  /** Resolves once nothing of it settles any more when it is being closed; at once when it isn't. */
  quiet(): Promise<void>;
};
