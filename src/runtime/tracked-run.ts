/** What any unsettled run of this process is, wherever it works: all that settling, naming and listing it ask for. */

import type { NewRun } from "../registry/run-row.ts";
import type { Outcome, RunState, Usage } from "../types.ts";
import type { RunOutcome } from "./run-outcome.ts";

export type TrackedRun = {
  readonly id: string;
  readonly sessionKey: string;
  readonly facts: { readonly row: NewRun };
  readonly outcome: RunOutcome;
  state: RunState;
  /** Ends the run when its time is up. */
  timer: NodeJS.Timeout | undefined;
  startedAt: number | undefined;
  readonly usage: Usage;
  /** The last visible text so far. */
  readonly text: string;
  /** How it is to be taken though it isn't settled: it was ended, and only the place where it works has yet to let go. */
  readonly givenUp?: Outcome | undefined;
  /** The model that answered last. */
  readonly answeredBy: string | undefined;
  /** The answer in the form that was asked for, or why there is none. */
  readonly structured?: unknown;
  readonly schemaError?: string | undefined;
};

/** Who and when, for an event. */
export function identity(run: TrackedRun): {
  runId: string;
  sessionKey: string;
  requesterSessionKey: string;
  at: number;
} {
  return {
    runId: run.id,
    sessionKey: run.sessionKey,
    requesterSessionKey: run.facts.row.requesterSessionKey,
    at: Date.now(),
  };
}
