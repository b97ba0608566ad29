/** What the files of this runtime share: made once in `createInProcessRuntime`, handed to each. Types and the live runs. */

import type { Config } from "../config.ts";
import type { Host } from "../host.ts";
import type { Logger } from "../log.ts";
import type { WorkerPool } from "../pool/worker-pool.ts";
import type { Registry } from "../registry/registry.ts";
import type { EventHub } from "./event-hub.ts";
import type { GroupGate } from "./group-gate.ts";
import type { KnownSecrets } from "./known-secrets.ts";
import type { Lane } from "./lane.ts";
import type { LiveRun } from "./live-run.ts";
import type { Loose } from "./loose.ts";
import type { TrackedRun } from "./tracked-run.ts";
import type { UndecidedFolders } from "./undecided-folders.ts";

export type Parts = {
  config: Config;
  host: Host;
  logger: Logger;
  registry: Registry;
  pool: WorkerPool;
  lane: Lane;
  /** What collected runs pass before the lane. */
  groups: GroupGate;
  hub: EventHub;
  live: LiveRuns;
  /** What models were called with. */
  secrets: KnownSecrets;
  /** What goes on by itself after a run, and writes when it is done. */
  loose: Loose;
  /** Of spawns that bring files. */
  undecided: UndecidedFolders;
  /** The whole environment of commands that `exec` starts. */
  execEnv: Record<string, string>;
};

/** The part of it that doesn't ask where runs work. */
export type Records<R extends TrackedRun = TrackedRun> = Pick<
  Parts,
  "config" | "host" | "logger" | "registry" | "hub"
> & {
  live: LiveRuns<R>;
};

/** Unsettled runs of this process. */
export class LiveRuns<R extends TrackedRun = LiveRun> {
  readonly #byId = new Map<string, R>();
  readonly #bySession = new Map<string, R>();
  readonly #byRequester = new Map<string, Set<R>>();

  add(run: R): void {
    this.#byId.set(run.id, run);
    this.#bySession.set(run.sessionKey, run);
    const { requesterSessionKey } = run.facts.row;
    const siblings = this.#byRequester.get(requesterSessionKey) ?? new Set();
    this.#byRequester.set(requesterSessionKey, siblings.add(run));
  }

  remove(run: R): void {
    this.#byId.delete(run.id);
    if (this.#bySession.get(run.sessionKey) === run) this.#bySession.delete(run.sessionKey);
    const { requesterSessionKey } = run.facts.row;
    const siblings = this.#byRequester.get(requesterSessionKey);
    siblings?.delete(run);
    if (siblings?.size === 0) this.#byRequester.delete(requesterSessionKey);
  }

  get(runId: string): R | undefined {
    return this.#byId.get(runId);
  }

  ofSession(sessionKey: string): R | undefined {
    return this.#bySession.get(sessionKey);
  }

  /** Unsettled children that a session asked for. */
  childrenOf(sessionKey: string): R[] {
    return [...(this.#byRequester.get(sessionKey) ?? [])].filter((run) => run.outcome.settled === undefined);
  }

  /** The same, with those that have ended and aren't told of yet. */
  untoldChildrenOf(sessionKey: string): R[] {
    return [...(this.#byRequester.get(sessionKey) ?? [])];
  }

  all(): R[] {
    return [...this.#byId.values()];
  }

  get size(): number {
    return this.#byId.size;
  }
}
