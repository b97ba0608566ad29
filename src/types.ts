/** The shapes that cross folders. Types only: nothing here runs. */

import type { Cause } from "./errors.ts";
import type { Budget, SpawnContext, SpawnMode } from "./spawn-types.ts";

export type * from "./control-types.ts";
export type * from "./spawn-types.ts";

/** Price in US dollars for a million tokens. */
export type Cost = { input: number; output: number; cacheRead: number; cacheWrite: number };

/** A model a run can call, with everything the worker needs to reach it. */
export type ResolvedModel = {
  provider: string;
  id: string;
  /** The provider protocol: `openai-completions`, `openai-responses`, `anthropic-messages`, `google-generative-ai`, … */
  api: string;
  baseUrl: string;
  /** Handed to the one run that uses it; never written anywhere. */
  apiKey?: string;
  headers?: Record<string, string>;
  /** Tokens; 0 when only the host's own engine knows. */
  contextWindow: number;
  /** Tokens of one answer. */
  maxTokens: number;
  /** `text`, `image`. */
  input: string[];
  reasoning: boolean;
  cost?: Cost;
  /** Tried in order when the one before fails with a retryable provider error. */
  fallbacks?: ResolvedModel[];
  /** Provider peculiarities as pi-ai's catalogue names them; passed through untouched. */
  compat?: Record<string, unknown>;
  thinkingLevelMap?: Record<string, string | null>;
  /** Seconds the model may be silent before a call counts as lost. @default agents.defaults.modelIdleTimeoutSeconds */
  idleTimeoutSeconds?: number;
  /** Provider settings that pi-ai reads by name (regions, endpoints), passed over the channel instead of the environment. */
  env?: Record<string, string>;
};

/**
 * The life of a run: `queued → running ⇄ waiting → settled`.
 * `waiting`: its own turn is over, its children's are not; it holds no slot.
 */
export type RunState = "queued" | "running" | "waiting" | "settled";

export type OutcomeStatus = "ok" | "error" | "timeout" | "killed" | "interrupted";

/** How a run settled. `cause` is there whenever the status isn't `ok`. */
export type Outcome = { readonly status: OutcomeStatus; readonly cause?: Cause };

/** Tokens and money of a run, all its turns and fallbacks added up. */
export type Usage = {
  /** Tokens of prompts not read from a cache. */
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  totalTokens: number;
  /** US dollars; 0 when the model has no price. */
  costUsd: number;
  /** Model calls. */
  turns: number;
  toolCalls: number;
};

/** A settled run's result on its way to the requester. */
export type Completion = {
  /** Stable for a run; stands in `message` too, so that a delivery made twice can be told. */
  key: string;
  runId: string;
  childSessionKey: string;
  /** Names the child's transcript. */
  sessionId: string;
  requesterSessionKey: string;
  outcome: Outcome;
  /** The child's final answer; what it had said when it was stopped; empty when it failed. */
  text: string;
  /** Bytes of the answer that aren't in `text`: of runs that are looked at later. They stand in the transcript. */
  textBytesCut?: number;
  /** The answer in the form that `outputSchema` asked for. */
  structured?: unknown;
  /** Why there is none though it was asked for, in one sentence; `text` is the answer as it came. */
  schemaError?: string;
  /** What was used of what, for a run under a budget. */
  budget?: BudgetUse;
  usage: Usage;
  /** The model that really answered, `provider/id`. */
  model?: string;
  label?: string;
  /** For the requester's session alone: the host sends neither it nor the answer to it to a channel by itself. */
  completionTarget?: "parent";
  task: string;
  /** Milliseconds from start to settlement. */
  runtimeMs: number;
  /** The block to show the requester's model. */
  message: string;
};

/** What a budget allowed and what was used of it. */
export type BudgetUse = {
  /**
   * `run`: the budget given with the spawn of the child, or of one above it, shared with all below that one · `tree`:
   * the configured one (`subagents.budget`) of all runs below one root session, from the first until none is at work.
   */
  of: "run" | "tree";
  limits: Budget;
  used: Required<Budget>;
  /** The limit that ended the run. */
  exceeded?: keyof Budget;
  /** `usd` isn't all that was spent: no prices are known of a model that was used, or was to be fallen back to. */
  unpriced?: true;
};

/** What anyone may see of a run. Times are milliseconds since the epoch. */
export type RunView = {
  runId: string;
  childSessionKey: string;
  requesterSessionKey: string;
  agentId: string;
  depth: number;
  /** An orchestrator may have children of its own and controls them; a leaf none. */
  role: "orchestrator" | "leaf";
  controlScope: "children" | "none";
  mode: SpawnMode;
  context: SpawnContext;
  /** Its session stays: it takes follow-ups, each a run of its own, until it is killed. */
  stays?: true;
  label?: string;
  taskName?: string;
  /** Nothing comes to its requester by itself when it ends; absent when its result does. */
  expectsCompletionMessage?: false;
  /** The batch of a collected run. */
  groupId?: string;
  task: string;
  /** Names of all the tools it was given, in its thread and on the host. */
  tools?: string[];
  budget?: Budget;
  state: RunState;
  outcome?: Outcome;
  model?: string;
  usage: Usage;
  /** Unsettled descendants. */
  pendingDescendants: number;
  /** Session keys of its children at work; absent when there are none. */
  childSessions?: string[];
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  delivery: DeliveryState;
};

/** `none`: nothing to hand over (yet, or ever) · `pending` · `delivered` · `undelivered`: given up, kept to be read. */
export type DeliveryState = "none" | "pending" | "delivered" | "undelivered";

export type ListOptions = {
  /** Runs that ended longer ago are left out, unless their session stays. @default 30 */
  recentMinutes?: number;
  /** Also the children's children, all the way down. @default false */
  descendants?: boolean;
};

/** `completed` are settled; `pending` aren't yet; `errors` names ids that can't be waited for. */
export type WaitResult = {
  completed: Completion[];
  pending: string[];
  errors: { runId: string; error: "not_found" | "not_owner" }[];
  timedOut: boolean;
};

/** What a runtime can do beyond spawn, wait, list, events and stats. Asking for one it lacks is refused by name. */
export type Capability =
  | "kill"
  | "steer"
  /** A steer that reaches a turn under way without ending it. */
  | "inject"
  | "history"
  | "nesting"
  | "timeout"
  | "tools"
  | "dedicated"
  | "process"
  | "budget"
  | "attachments"
  | "fork"
  /** Children that stay in a thread and take follow-ups. Where the host can bind one. */
  | "session"
  | "collect";

export type RuntimeStats = {
  threads: { total: number; dedicated: number; runs: number[] };
  runs: { queued: number; running: number; waiting: number };
  outbox: { pending: number; undelivered: number };
  /** Milliseconds the last started run stood in the lane. */
  queueWaitMs: number;
  /** Fraction of time the host's loop was busy since the last call, 0–1. */
  loopUtilization: number;
  /** Bytes. */
  rssBytes: number;
};
