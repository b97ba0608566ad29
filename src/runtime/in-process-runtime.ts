/**
 * Subagents in worker threads of this process: wires registry, lane, pool, channel and announce together. What each of
 * them does stands in its own file.
 */

import { performance } from "node:perf_hooks";
import type { Config } from "../config.ts";
import { InprocessError, messageOf } from "../errors.ts";
import type { EventFilter, RunEvent } from "../events.ts";
import type { Host } from "../host.ts";
import type { Logger } from "../log.ts";
import { WorkerPool } from "../pool/worker-pool.ts";
import type { Registry } from "../registry/registry.ts";
import type {
  Capability,
  ControlResult,
  History,
  ListOptions,
  Requester,
  RunView,
  RuntimeStats,
  SpawnParams,
  SpawnResult,
  WaitResult,
} from "../types.ts";
import { admit } from "./admit.ts";
import { close } from "./close.ts";
import { kill } from "./control.ts";
import { EventHub } from "./event-hub.ts";
import { Homeward } from "./homeward.ts";
import { Lane } from "./lane.ts";
import type { SessionTools } from "./child-tools.ts";
import type { LiveRun } from "./live-run.ts";
import { LiveRuns, type Parts } from "./parts.ts";
import { keepRecovering, recover } from "./recover.ts";
import { RunCarrier } from "./run-carrier.ts";
import { logRuns } from "./run-log.ts";
import type { SubagentRuntime } from "./runtime.ts";
import { identity, Settler } from "./settler.ts";
import { TurnBudget } from "./turn-budget.ts";
import { watchThreads, type StuckAfter } from "./thread-watch.ts";
import { statsOf, viewOf, waitFor } from "./views.ts";

export type InProcessOptions = {
  config: Config;
  host: Host;
  registry: Registry;
  logger: Logger;
  /** Where transcripts are kept, a folder for each agent. */
  transcriptsDir: string;
  workerFile: string;
  /** For what warming up writes. */
  scratchDir: string;
  /** The threads' whole environment. */
  threadEnv: Record<string, string>;
  /** The whole environment of commands that `exec` starts. */
  execEnv: Record<string, string>;
  sessionTools: SessionTools;
  /** When a thread counts as stuck. @default looked at every 2 s, stuck after 15 s */
  stuck?: StuckAfter;
};

/** Ready when it resolves: spawns are accepted. Warming goes on in the background. @throws InprocessError `worker_start_failed` */
export async function createInProcessRuntime(options: InProcessOptions): Promise<SubagentRuntime> {
  const runtime = new InProcessRuntime(options);
  await runtime.ready();
  return runtime;
}

class InProcessRuntime implements SubagentRuntime {
  readonly kind = "inprocess";
  readonly capabilities: ReadonlySet<Capability> = new Set(["kill", "nesting", "timeout", "tools", "dedicated"]);
  readonly #options: InProcessOptions;
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #carrier: RunCarrier;
  readonly #homeward: Homeward;
  readonly #pace = new TurnBudget(ADMISSIONS_MS);
  readonly #stops: (() => void)[];
  readonly #waiting = new Set<(runId: string) => void>();
  #closed: Promise<void> | undefined;
  #loop = performance.eventLoopUtilization();

  constructor(options: InProcessOptions) {
    const { config, host, registry, logger } = options;
    this.#options = options;
    // First, for it can fail, and then no thread is to be left behind.
    registry.claimOwner();
    recover({ registry, logger });
    registry.purgeOlderThan();
    const pool = new WorkerPool({
      threads: config.subagents.pool,
      workerFile: options.workerFile,
      scratchDir: options.scratchDir,
      env: options.threadEnv,
      onError: (error) => logger.error({}, `a worker thread failed: ${error.message}`),
    });
    this.#parts = {
      config,
      host,
      registry,
      logger,
      pool,
      lane: new Lane(config.agents.defaults.subagents.maxConcurrent),
      hub: new EventHub(() => this.#watchersChanged()),
      live: new LiveRuns(),
      execEnv: options.execEnv,
    };
    this.#settler = new Settler(this.#parts, (run) => {
      for (const watcher of [...this.#waiting]) watcher(run.id);
      this.#homeward.settled(run);
    });
    this.#carrier = new RunCarrier(this.#parts, this.#settler, (run) => this.#homeward.turnEnded(run));
    this.#homeward = new Homeward(this.#parts, this.#settler, this.#carrier);
    void logRuns(this.#parts.hub.subscribe(), logger).catch((error: unknown) =>
      logger.error({}, `runs can't be logged any more: ${messageOf(error)}`),
    );
    this.#stops = [
      watchThreads(this.#parts, options.stuck),
      keepRecovering(this.#parts, (sessionKey) => this.#homeward.nudge(sessionKey)),
    ];
  }

  async ready(): Promise<void> {
    try {
      await this.#parts.pool.ready();
    } catch (error) {
      await this.close();
      throw error;
    }
    // In the background: a failure shows when a run is placed.
    void this.warm().catch(() => undefined);
  }

  async spawn(
    params: SpawnParams,
    requester: Requester,
    options: { idempotencyKey?: string } = {},
  ): Promise<SpawnResult> {
    this.#refuseWhenClosed("spawn");
    return admit(
      {
        parts: this.#parts,
        runtime: this,
        sessionTools: this.#options.sessionTools,
        transcriptsDir: this.#options.transcriptsDir,
        pace: this.#pace,
        refuseWhenClosed: () => this.#refuseWhenClosed("spawn"),
        start: (run, ahead) => this.#start(run, ahead, params.task),
      },
      params,
      requester,
      options.idempotencyKey,
    );
  }

  async wait(
    runIds: string[],
    requester: Requester,
    options: { mode?: "all" | "any"; timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<WaitResult> {
    this.#refuseWhenClosed("wait");
    return waitFor(this.#parts, runIds, requester, options, this.#waiting);
  }

  async list(requester: Requester, options: ListOptions = {}): Promise<RunView[]> {
    this.#refuseWhenClosed("list");
    const since = Date.now() - (options.recentMinutes ?? 30) * 60_000;
    const rows = this.#parts.registry.childrenOf(requester.sessionKey, { since });
    return rows.map((row) => viewOf(row, this.#parts.live.get(row.runId)));
  }

  async kill(target: string, requester: Requester): Promise<ControlResult> {
    this.#refuseWhenClosed("kill");
    return kill(this.#parts, this.#settler, target, requester);
  }

  async steer(): Promise<ControlResult> {
    return missing("steer");
  }

  async history(): Promise<History> {
    const { error } = missing("history");
    throw new InprocessError("capability_missing", error);
  }

  events(filter?: EventFilter): AsyncIterable<RunEvent> {
    this.#refuseWhenClosed("events");
    return this.#parts.hub.subscribe(filter);
  }

  stats(): RuntimeStats {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#loop);
    this.#loop = now;
    return statsOf(this.#parts, utilization);
  }

  warm(): Promise<void> {
    return this.#parts.pool.warm();
  }

  deliverPending(requesterSessionKey: string): void {
    this.#homeward.nudge(requesterSessionKey);
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    return (this.#closed ??= close(this.#parts, this.#settler, options.drainMs ?? 0, async () => {
      for (const stop of this.#stops) stop();
      await this.#homeward.close();
    }));
  }

  #start(run: LiveRun, queuePosition: number, task: string): void {
    const { row } = run.facts;
    const { agentId, depth, label } = row;
    this.#parts.hub.publish(
      {
        ...identity(run),
        type: "accepted",
        task,
        agentId,
        depth,
        queuePosition,
        ...(label === undefined ? {} : { label }),
      },
      row.rootSessionKey,
    );
    this.#carrier.enqueue(run, { prompt: task });
  }

  #watchersChanged(): void {
    const { live, hub } = this.#parts;
    for (const run of live.all()) run.execution?.watch(hub.wantsText(run.id, run.facts.row.rootSessionKey));
  }

  #refuseWhenClosed(call: string): void {
    if (this.#closed === undefined) return;
    throw new InprocessError("runtime_closed", `${call}() was called after the runtime was closed; create a new one.`);
  }
}

/** What admissions may take of one turn of the loop; a burst of sixteen fits. */
const ADMISSIONS_MS = 4;

function missing(capability: Capability) {
  const error = `This runtime doesn't offer \`${capability}\`; look at \`capabilities\` before you ask for it.`;
  return { status: "error", code: "capability_missing", error } as const;
}
