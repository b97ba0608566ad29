/**
 * Subagents in worker threads of this process: wires registry, lane, pool, channel and announce together. What each of
 * them does stands in its own file.
 */

import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { announcement } from "../announce/completion-text.ts";
import { Announcer, type Delivery } from "../announce/announcer.ts";
import type { Config } from "../config.ts";
import { InprocessError } from "../errors.ts";
import type { EventFilter, RunEvent } from "../events.ts";
import type { Host } from "../host.ts";
import type { Logger } from "../log.ts";
import { WorkerPool } from "../pool/worker-pool.ts";
import type { Registry } from "../registry/registry.ts";
import type {
  Capability,
  Completion,
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
import { ACCEPTED_NOTE, admit } from "./admit.ts";
import { close } from "./close.ts";
import { kill } from "./control.ts";
import { EventHub } from "./event-hub.ts";
import { Lane } from "./lane.ts";
import type { LiveRun } from "./live-run.ts";
import { LiveRuns, type Parts, type SessionTools } from "./parts.ts";
import { recover } from "./recover.ts";
import { RunCarrier } from "./run-carrier.ts";
import type { SubagentRuntime } from "./runtime.ts";
import { identity, Settler } from "./settler.ts";
import { watchThreads } from "./thread-watch.ts";
import { viewOf, waitFor } from "./views.ts";

export type InProcessOptions = {
  config: Config;
  host: Host;
  registry: Registry;
  logger: Logger;
  /** Where transcripts are kept, a folder for each agent. */
  transcriptsDir: string;
  workerFile: string;
  /** The threads' whole environment. */
  threadEnv: Record<string, string>;
  /** The whole environment of commands that `exec` starts. */
  execEnv: Record<string, string>;
  sessionTools: SessionTools;
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
  readonly #announcer: Announcer;
  readonly #stopWatching: () => void;
  readonly #settled = new Set<() => void>();
  #warm: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #loop = performance.eventLoopUtilization();

  constructor(options: InProcessOptions) {
    const { config, host, registry, logger } = options;
    this.#options = options;
    const pool = new WorkerPool({
      threads: config.subagents.pool,
      workerFile: options.workerFile,
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
    this.#settler = new Settler(this.#parts, (run, owed) => this.#afterSettled(run, owed));
    this.#carrier = new RunCarrier(this.#parts, this.#settler, (run) => this.#afterTurn(run));
    recover(this.#parts);
    this.#announcer = new Announcer({
      outbox: registry.outbox,
      logger,
      timeoutMs: config.agents.defaults.subagents.announceTimeoutMs,
      deliver: (requester, completions) => this.#deliver(requester, completions),
      alreadyDelivered: async (requester, keys) => (await host.alreadyDelivered?.(requester, keys)) ?? [],
      holdBack: (requester) => this.#holdBack(requester),
      requesterOf: (sessionKey) => registry.byChildSession(sessionKey)?.requesterSessionKey,
      onDelivered: (completion, attempts) => this.#publish(completion, { type: "delivered", attempts }),
      onUndelivered: (completion, reason) => this.#publish(completion, { type: "undelivered", reason }),
    });
    this.#stopWatching = watchThreads(this.#parts);
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
    const admitted = await admit(
      {
        parts: this.#parts,
        runtime: this,
        sessionTools: this.#options.sessionTools,
        transcriptsDir: this.#options.transcriptsDir,
        repeat: (runId) => this.#repeat(runId),
        start: (run) => this.#carrier.enqueue(run, { prompt: params.task }),
      },
      params,
      requester,
      options.idempotencyKey,
    );
    if ("refused" in admitted) return admitted.refused;
    const { run, result } = admitted;
    const { row } = run.facts;
    this.#parts.hub.publish(
      {
        ...identity(run),
        type: "accepted",
        task: row.task,
        agentId: row.agentId,
        depth: row.depth,
        queuePosition: result.queuePosition ?? 0,
        ...(row.label === undefined ? {} : { label: row.label }),
      },
      row.rootSessionKey,
    );
    return result;
  }

  async wait(
    runIds: string[],
    requester: Requester,
    options: { mode?: "all" | "any"; timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<WaitResult> {
    return waitFor(this.#parts.registry, runIds, requester, options, this.#settled);
  }

  async list(requester: Requester, options: ListOptions = {}): Promise<RunView[]> {
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
    const { pool, lane, live, registry } = this.#parts;
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#loop);
    this.#loop = now;
    const states = live.all().map((run) => run.state);
    const count = (state: string): number => states.filter((one) => one === state).length;
    return {
      threads: pool.stats(),
      runs: { queued: count("queued"), running: count("running"), waiting: count("waiting") },
      outbox: registry.outbox.counts(),
      queueWaitMs: lane.lastWaitMs,
      loopUtilization: utilization,
      rssBytes: process.memoryUsage.rss(),
    };
  }

  warm(): Promise<void> {
    return (this.#warm ??= this.#parts.pool.warm());
  }

  deliverPending(requesterSessionKey: string): void {
    this.#announcer.nudge(requesterSessionKey);
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    return (this.#closed ??= close(this.#parts, this.#settler, options.drainMs ?? 0, async () => {
      this.#stopWatching();
      await this.#announcer.close();
    }));
  }

  #afterSettled(run: LiveRun, owed: boolean): void {
    const { requesterSessionKey } = run.facts.row;
    for (const look of this.#settled) look();
    if (owed) this.#announcer.nudge(requesterSessionKey);
    // Results for a requester that is gone go on to its own requester.
    this.#announcer.nudge(run.sessionKey);
    const parent = this.#parts.live.ofSession(requesterSessionKey);
    if (parent !== undefined) this.#afterTurn(parent);
  }

  /** A waiting run: woken when its children are done, settled when they left nothing to say. */
  #afterTurn(run: LiveRun): void {
    if (run.state !== "waiting" || run.outcome.settled !== undefined) return;
    if (this.#parts.live.childrenOf(run.sessionKey).length > 0) return;
    if (this.#parts.registry.outbox.pendingFor(run.sessionKey).length > 0) this.#announcer.nudge(run.sessionKey);
    else void this.#settler.settle(run, { status: "ok" });
  }

  async #deliver(requesterSessionKey: string, completions: Completion[]): Promise<Delivery> {
    const { live, registry, host } = this.#parts;
    const run = live.ofSession(requesterSessionKey);
    if (run !== undefined && run.outcome.settled === undefined) {
      if (run.state !== "waiting") return "busy";
      run.state = "queued";
      this.#carrier.enqueue(run, { prompt: announcement(completions, 0), resume: "children_settled" });
      return "delivered";
    }
    if (registry.byChildSession(requesterSessionKey) !== undefined) return "gone";
    return host.deliver(completions);
  }

  /** An orchestrator is woken once, with everything; so is any requester under `announce.mode: "together"`. */
  #holdBack(requesterSessionKey: string): boolean {
    const { live, config } = this.#parts;
    const isRun = live.ofSession(requesterSessionKey) !== undefined;
    if (!isRun && config.subagents.announce.mode === "each") return false;
    return live.childrenOf(requesterSessionKey).length > 0;
  }

  #publish(
    completion: Completion,
    event: { type: "delivered"; attempts: number } | { type: "undelivered"; reason: string },
  ): void {
    const { runId, childSessionKey: sessionKey, requesterSessionKey } = completion;
    const root = this.#parts.registry.run(runId)?.rootSessionKey ?? requesterSessionKey;
    this.#parts.hub.publish({ runId, sessionKey, requesterSessionKey, at: Date.now(), ...event }, root);
  }

  #watchersChanged(): void {
    const { live, hub } = this.#parts;
    for (const run of live.all()) run.execution?.watch(hub.wantsText(run.id, run.facts.row.rootSessionKey));
  }

  #repeat(runId: string): SpawnResult {
    const row = this.#parts.registry.run(runId)!;
    const [provider = "", ...id] = (row.model ?? "").split("/");
    return {
      status: "accepted",
      childSessionKey: row.childSessionKey,
      runId,
      mode: "run",
      note: ACCEPTED_NOTE,
      runtime: "inprocess",
      isolation: this.#parts.live.get(runId)?.facts.isolation ?? "thread",
      resolvedModel: id.join("/"),
      resolvedProvider: provider,
      modelApplied: false,
      expectsCompletionMessage: row.expectsCompletion,
    };
  }

  #refuseWhenClosed(call: string): void {
    if (this.#closed === undefined) return;
    throw new InprocessError("runtime_closed", `${call}() was called after the runtime was closed; create a new one.`);
  }
}

function missing(capability: Capability) {
  const error = `This runtime doesn't offer \`${capability}\`; look at \`capabilities\` before you ask for it.`;
  return { status: "error", code: "capability_missing", error } as const;
}

/** Where a runtime keeps its transcripts below a state directory. */
export function transcriptsDirOf(stateDir: string): string {
  return join(stateDir, "transcripts");
}
