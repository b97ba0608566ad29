/** The contract every runtime fulfils, whatever it runs children on. Types only. */

import type { EventFilter, RunEvent } from "../events.ts";
import type { SessionFilter, SessionView } from "../host.ts";
import type {
  AgentsView,
  Capability,
  History,
  HistoryOptions,
  KillResult,
  ListOptions,
  Requester,
  RunView,
  RuntimeStats,
  SendParams,
  SendResult,
  SpawnParams,
  SpawnResult,
  SteerOptions,
  SteerResult,
  WaitResult,
} from "../types.ts";

export interface SubagentRuntime {
  readonly kind: "inprocess" | "gateway";
  /** What this runtime can do. Asking for a missing one is refused by name with the code `capability_missing`. */
  readonly capabilities: ReadonlySet<Capability>;

  /**
   * Starts a child for `requester`. Never throws for what a model can cause: refusals are `forbidden` or `error` results.
   * With an `idempotencyKey` the same requester and key map to one run, and its first answer is given again.
   * @throws InprocessError `runtime_closed` after `close()`
   */
  spawn(params: SpawnParams, requester: Requester, options?: { idempotencyKey?: string }): Promise<SpawnResult>;

  /**
   * Waits for runs that `requester` or a session above it asked for. A requester that is a run at work in this process
   * holds no slot of `maxConcurrent` meanwhile; its answer comes when it has one again, which may be after `timeoutMs`.
   * @param options.mode `all` (default) or `any`
   * @param options.timeoutMs ≥ 0; 0 looks and returns at once, more than 24 days count as 24 days, Infinity is no limit.
   * @default no limit
   * @throws InprocessError `params_invalid`
   */
  wait(
    runIds: string[],
    requester: Requester,
    options?: { mode?: "all" | "any"; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<WaitResult>;

  /** The requester's own children (or all below it): unsettled ones, and those settled recently; oldest first. */
  list(requester: Requester, options?: ListOptions): Promise<RunView[]>;

  /**
   * Tells a child of the requester's something while it works. A running one reads it at its next turn boundary, a
   * queued one with its task, a waiting one in a turn of its own. What a turn ends without having read opens another.
   * @param target as for `kill`, without `all`
   * @param message 1–4,000 characters
   */
  steer(target: string, message: string, requester: Requester, options?: SteerOptions): Promise<SteerResult>;

  /**
   * Ends a child and all its descendants: settled `killed` at once, no announce, OS processes of its tools ended.
   * @param target the child's number in `list` (from 1, over the last 30 minutes), run id or at least its first 8
   * characters, session key, task name or label or the beginning of one; `last`: the newest; `all` or `*`: every one.
   * Of several that are called alike, those at work and those that stay are meant before those that have ended.
   */
  kill(target: string, requester: Requester): Promise<KillResult>;

  /**
   * Messages of a descendant's transcript, by its session key or run id; read in a thread of its own.
   * @throws InprocessError `not_found`, `not_yours`, `params_invalid`, `transcript_unusable`
   */
  history(sessionKey: string, requester: Requester, options?: HistoryOptions): Promise<History>;

  /**
   * A message to a child of the sender's (a `steer`), or to a session of the host's when it has `sendTo`. Never throws
   * for what a model can cause. Children may not send.
   */
  send(params: SendParams, requester: Requester, options?: { signal?: AbortSignal }): Promise<SendResult>;

  /** Sessions of the host's own, when it has `listSessions` and the requester is one of them; else none. */
  hostSessions(requester: Requester, filter?: SessionFilter): Promise<SessionView[]>;

  /** The most seconds that the requester's model may wait for results in one call (`tools.swarm.waitTimeoutSecondsMax`). */
  waitSecondsMax(requester: Requester): number;

  /** The agents the requester may spawn. */
  agents(requester: Requester): AgentsView;

  /** Events from now on. Ends when the runtime closes or the consumer returns. */
  events(filter?: EventFilter): AsyncIterable<RunEvent>;

  stats(): RuntimeStats;

  /** Resolves when every thread has been through a whole engine run. Spawns are accepted before that. */
  warm(): Promise<void>;

  /** A requester became idle, or came back: what waits for it is handed over now. What failed waits for its retry. */
  deliverPending(requesterSessionKey: string): void;

  /**
   * Stops accepting, lets running children go on for `drainMs`, settles the rest `interrupted`, ends the threads.
   * @param options.drainMs milliseconds. @default 0
   */
  close(options?: { drainMs?: number }): Promise<void>;
}
