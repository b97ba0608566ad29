/**
 * A run this process carries, from admission to settlement. The registry holds what survives; this holds what doesn't:
 * its model's key, its execution, its timer, the race of its endings.
 *
 * State: `queued → running ⇄ waiting → settled`, changed through `enter` alone.
 * `waiting`: its own turn is over, its children are not; it holds no slot and no place in a thread.
 */

import type { Cause } from "../errors.ts";
import type { NewRun } from "../registry/run-row.ts";
import type { ChildContext, HostTool } from "../host.ts";
import type { Isolation, ResolvedModel, RunState, ThinkingLevel, Usage } from "../types.ts";
import type { Execution } from "./execution.ts";
import { RunOutcome } from "./run-outcome.ts";

export type LiveRunFacts = {
  row: NewRun;
  /** The whole task; the registry keeps its beginning. */
  task: string;
  model: ResolvedModel;
  thinking?: ThinkingLevel;
  isolation: Isolation;
  timeoutMs: number;
  /** Names of worker tools. */
  tools: string[];
  hostTools: HostTool[];
};

export class LiveRun {
  readonly facts: LiveRunFacts;
  readonly outcome = new RunOutcome();
  readonly usage: Usage = { ...NO_USAGE };
  state: RunState = "queued";
  execution: Execution | undefined;
  timer: NodeJS.Timeout | undefined;
  startedAt: number | undefined;
  /** The last visible text of its turns so far. */
  text = "";
  /** The model that answered last. */
  answeredBy: string | undefined;
  /** Its thread was lost once; a second time names it the culprit. */
  lostBefore = false;
  /** Its thread was ended because of another run on it. */
  bystander = false;

  constructor(facts: LiveRunFacts) {
    this.facts = facts;
  }

  get id(): string {
    return this.facts.row.runId;
  }

  get sessionKey(): string {
    return this.facts.row.childSessionKey;
  }

  get context(): ChildContext {
    const { row } = this.facts;
    return {
      runId: row.runId,
      sessionKey: row.childSessionKey,
      requesterSessionKey: row.requesterSessionKey,
      agentId: row.agentId,
      depth: row.depth,
      workspaceDir: row.workspaceDir,
      ...(row.label === undefined ? {} : { label: row.label }),
    };
  }

  /** Tells a running turn to stop; does nothing in any other state. */
  abort(cause: Cause): void {
    this.execution?.abort(cause);
  }

  addUsage(turn: Usage): void {
    for (const key of Object.keys(this.usage) as (keyof Usage)[]) this.usage[key] += turn[key];
  }
}

const NO_USAGE: Usage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  totalTokens: 0,
  costUsd: 0,
  turns: 0,
  toolCalls: 0,
};
