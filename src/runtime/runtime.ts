/** The contract every runtime fulfils, whatever it runs children on. Types only. */

import type { EventFilter, RunEvent } from "../events.ts";
import type {
  Capability,
  ControlResult,
  History,
  HistoryOptions,
  ListOptions,
  Requester,
  RunView,
  RuntimeStats,
  SpawnParams,
  SpawnResult,
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
   * Waits for runs that `requester` or a session above it asked for.
   * @param options.mode `all` (default) or `any`
   * @param options.timeoutMs 0 looks and returns at once. @default no limit
   */
  wait(
    runIds: string[],
    requester: Requester,
    options?: { mode?: "all" | "any"; timeoutMs?: number; signal?: AbortSignal },
  ): Promise<WaitResult>;

  /** The requester's own children: unsettled ones, and those settled recently; oldest first. */
  list(requester: Requester, options?: ListOptions): Promise<RunView[]>;

  /** Needs the capability `steer`. */
  steer(
    target: string,
    message: string,
    requester: Requester,
    options?: { interrupt?: boolean },
  ): Promise<ControlResult>;

  /**
   * Ends a child and all its descendants: settled `killed` at once, no announce, OS processes of its tools ended.
   * @param target a run id or its prefix, a session key, an exact label, `last`, or `all`
   */
  kill(target: string, requester: Requester): Promise<ControlResult>;

  /** Needs the capability `history`. */
  history(sessionKey: string, requester: Requester, options?: HistoryOptions): Promise<History>;

  /** Events from now on. Ends when the runtime closes or the consumer returns. */
  events(filter?: EventFilter): AsyncIterable<RunEvent>;

  stats(): RuntimeStats;

  /** Resolves when every thread has been through a whole engine run. Spawns are accepted before that. */
  warm(): Promise<void>;

  /** A requester became idle, or came back: what waits for it is handed over now instead of at the next retry. */
  deliverPending(requesterSessionKey: string): void;

  /**
   * Stops accepting, lets running children go on for `drainMs`, settles the rest `interrupted`, ends the threads.
   * @param options.drainMs milliseconds. @default 0
   */
  close(options?: { drainMs?: number }): Promise<void>;
}
