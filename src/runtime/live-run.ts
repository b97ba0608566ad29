/**
 * A run this process carries, from admission to settlement. The registry holds what survives; this holds what doesn't:
 * its model's key, its execution, its timer, the race of its endings.
 *
 * State: `queued → running ⇄ waiting → settled`, changed through `enter` alone.
 * `waiting`: its own turn is over, its children are not; it holds no slot and no place in a thread.
 */

import { setTimeout as delay } from "node:timers/promises";
import { SpokenAnswer } from "../announce/spoken-answer.ts";
import type { EngineResult, ForkSource } from "../channel/protocol.ts";
import type { Cause } from "../errors.ts";
import type { NewRun } from "../registry/run-row.ts";
import type { HostTool } from "../host.ts";
import type { Isolation, ResolvedModel, RunState, ThinkingLevel, Usage } from "../types.ts";
import type { PutAttachments } from "./attachments.ts";
import type { Execution } from "./execution.ts";
import type { LanePlace, Slot } from "./lane.ts";
import { addUsage, noUsage, toldUsage } from "../usage.ts";
import { RunOutcome } from "./run-outcome.ts";

export type LiveRunFacts = {
  row: NewRun;
  model: ResolvedModel;
  thinking?: ThinkingLevel;
  /** Absolute: where its bootstrap files stand. @default the folder it works in */
  bootstrapDir?: string;
  /** It begins without the workspace's bootstrap files. */
  lightContext?: true;
  attachments?: Pick<PutAttachments, "receipt" | "mountPath">;
  /** What its transcript begins with. */
  forkOf?: ForkSource;
  isolation: Isolation;
  timeoutMs: number;
  /** Names of worker tools. */
  tools: string[];
  /** The spawn's own lists, within those of all above it. */
  toolsAllow?: string[];
  toolsDeny?: string[];
  hostTools: HostTool[];
  /** Of a collected run: names its batch, of which so many may be at work at once. */
  batch?: { group: string; limit: number };
  /** JSON Schema that its answer is to fit. */
  outputSchema?: Record<string, unknown>;
};

export class LiveRun {
  readonly facts: LiveRunFacts;
  readonly outcome = new RunOutcome();
  state: RunState = "queued";
  execution: Execution | undefined;
  /** Of its newest turn in the lane. */
  slot: Slot | undefined;
  /** Turns so far, the one under way included; one that goes on in another thread is the same. */
  turns = 0;
  /** What opens the turn under way; handed over again when the thread was lost before it stood in the transcript. */
  prompt: string | undefined;
  /** Keys of the results that its turn in the lane brings, until that turn has opened: they are owed so long. */
  telling: string[] = [];
  /** What it was told by its requester and its model hasn't read yet. */
  readonly steering: string[] = [];
  timer: NodeJS.Timeout | undefined;
  startedAt: number | undefined;
  /** Of turns that are over, and of the one under way as far as it has told. */
  #turnsUsage: Usage = noUsage();
  #turnUsage: Usage = noUsage();
  readonly #answer = new SpokenAnswer();
  /** The model that answered last. */
  answeredBy: string | undefined;
  /** The answer in the form that was asked for, or why there is none. */
  structured: unknown;
  schemaError: string | undefined;
  /** Its last turn ended by waiting for its children (`sessions_yield`). */
  yielded = false;
  /** How many children it had when it was last told that none of them has a result for it. */
  inVain = 0;
  /** It was asked once more for an answer in that form. */
  askedAgain = false;
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

  /** The answer that its turns so far have come to. */
  get text(): string {
    return this.#answer.text;
  }

  /** A turn has come home: what it says is the answer from now on, unless it only says that nothing changes. */
  heard(result: EngineResult): void {
    this.yielded = result.yielded === true;
    // Asked again for the form of what it has said: only an answer in that form is in its place.
    const isMisshapen = this.askedAgain && this.schemaError !== undefined && this.text !== "";
    if (isMisshapen && result.structured === undefined) return;
    const stands = this.#answer.heard(result);
    // A turn that failed has nothing in the form that was asked for, and what went before is no result either.
    if (!stands && result.status === "ok") return;
    this.structured = result.structured;
    this.schemaError = result.schemaError;
  }

  /** Names the turn under way among all turns of all runs. */
  get turnId(): string {
    return `${this.id}:${this.turns}`;
  }

  /** Put before the model at the next turn boundary, in this turn or the one that comes. */
  steer(text: string): void {
    this.steering.push(text);
    this.execution?.steer(text);
  }

  /**
   * Tells a running turn to stop, and gives it a moment to bring its partial answer home.
   * @param patienceMs how long that may take. @default 2000
   */
  async stop(cause: Cause, patienceMs: number = PARTIAL_MS): Promise<void> {
    const { execution } = this;
    if (execution === undefined) return;
    execution.abort(cause);
    await Promise.race([execution.ended, delay(patienceMs, undefined, { ref: false })]);
  }

  get usage(): Usage {
    return addUsage(this.#turnsUsage, this.#turnUsage);
  }

  /** @param turn what the turn under way has used so far */
  using(turn: Usage): void {
    this.#turnUsage = toldUsage(turn);
  }

  /** The turn under way is over; what it has told last counts. */
  endTurn(): void {
    this.#turnsUsage = this.usage;
    this.#turnUsage = noUsage();
  }
}

/** For whom its turns wait in the lane. */
export function placeOf(run: LiveRun): LanePlace {
  const { rootSessionKey: tree, requesterSessionKey: requester } = run.facts.row;
  return { id: run.id, tree, requester };
}

/** A message to the thread and its answer take a millisecond when the thread's loop turns; a busy machine may need more. */
const PARTIAL_MS = 2000;
