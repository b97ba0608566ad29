/**
 * Subagents in worker threads of this process: wires registry, lane, pool, channel and announce together. What each of
 * them does stands in its own file.
 */

import { performance } from "node:perf_hooks";
import { InprocessError, messageOf } from "../errors.ts";
import type { EventFilter, RunEvent } from "../events.ts";
import type { SessionFilter, SessionView } from "../host.ts";
import { agentsView } from "../policy/allowed-agents.ts";
import { swarmOf } from "../policy/swarm.ts";
import { HistoryReader } from "../sessions/history-reader.ts";
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
import { tellAccepted } from "./accepted.ts";
import { tellEach } from "./after-run.ts";
import { createAdmit, type Admit } from "./admit.ts";
import { keepArchiving } from "./archive.ts";
import { attachmentsAfter } from "./attachments.ts";
import { BudgetWatch } from "./budget.ts";
import { close } from "./close.ts";
import { kill } from "./control.ts";
import { readHistory } from "./history.ts";
import { Exchanges } from "./exchanges.ts";
import { FollowUps } from "./follow-ups.ts";
import { Homeward } from "./homeward.ts";
import type { LiveRun } from "./live-run.ts";
import { makeParts, type InProcessOptions } from "./make-parts.ts";
import type { Parts } from "./parts.ts";
import { putAwayAfter } from "./put-away.ts";
import { keepRecovering, recover } from "./recover.ts";
import { RunCarrier } from "./run-carrier.ts";
import { logRuns } from "./run-log.ts";
import type { SubagentRuntime } from "./runtime.ts";
import { isChild, send } from "./send.ts";
import { Settler } from "./settler.ts";
import { Steering } from "./steer.ts";
import { watchThreads } from "./thread-watch.ts";
import { Threads } from "./threads.ts";
import { listed } from "./targets.ts";
import { statsOf, viewOf, waitFor } from "./views.ts";

/** Ready when it resolves: spawns are accepted. Warming goes on in the background. @throws InprocessError `worker_start_failed` */
export async function createInProcessRuntime(options: InProcessOptions): Promise<SubagentRuntime> {
  const runtime = new InProcessRuntime(options);
  await runtime.ready();
  return runtime;
}

class InProcessRuntime implements SubagentRuntime {
  readonly kind = "inprocess";
  readonly capabilities = new Set<Capability>([
    ...(["kill", "steer", "inject", "history", "nesting", "timeout", "tools", "dedicated"] as const),
    ...(["attachments", "fork", "collect", "budget"] as const),
  ]);
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #budgets: BudgetWatch;
  readonly #carrier: RunCarrier;
  readonly #homeward: Homeward;
  readonly #steering: Steering;
  readonly #transcripts = new HistoryReader();
  readonly #admit: Admit;
  readonly #exchanges: Exchanges;
  readonly #threads: Threads;
  readonly #stops: (() => void)[];
  readonly #waiting = new Set<(runId: string) => void>();
  #closed: Promise<void> | undefined;
  #loop = performance.eventLoopUtilization();

  constructor(options: InProcessOptions) {
    const { registry, logger, host } = options;
    if (host.bindThread !== undefined) this.capabilities.add("session");
    // First, for it can fail, and then no thread is to be left behind.
    registry.claimOwner();
    recover({ registry, logger });
    const { archiveAfterMinutes } = options.config.agents.defaults.subagents;
    registry.purgeOlderThan(undefined, undefined, archiveAfterMinutes > 0);
    this.#parts = makeParts(options, () => this.#watchersChanged());
    this.#threads = new Threads(this.#parts);
    const afterRun = tellEach(
      [
        { settled: (run) => [...this.#waiting].forEach((watcher) => watcher(run.id)) },
        { settled: (run) => this.#parts.groups.settled(run.id, run.facts.batch?.group) },
        { settled: (run) => this.#homeward.settled(run) },
        { settled: (run) => this.#budgets.settled(run) },
        { settled: (run, owes) => followUps.afterRun.settled?.(run, owes) },
        attachmentsAfter(this.#parts),
        putAwayAfter(this.#parts),
        this.#threads.afterRun,
      ],
      logger,
    );
    this.#settler = new Settler(this.#parts, afterRun.settled);
    this.#budgets = new BudgetWatch(this.#parts, this.#settler);
    this.#carrier = new RunCarrier(
      this.#parts,
      this.#settler,
      this.#budgets,
      (run) => this.#homeward.turnEnded(run),
      (run) => this.#homeward.turnOpened(run),
    );
    this.#homeward = new Homeward(this.#parts, this.#settler, this.#carrier, afterRun, options.beside);
    const context = {
      parts: this.#parts,
      runtime: this,
      sessionTools: options.sessionTools,
      refuseWhenClosed: () => this.#refuseWhenClosed("spawn"),
    };
    this.#admit = createAdmit({
      ...context,
      threads: this.#threads,
      transcriptsDir: options.transcriptsDir,
      start: (run, ahead) => this.#start(run, ahead),
    });
    this.#exchanges = new Exchanges(host, logger);
    const followUps = new FollowUps({ ...context, settler: this.#settler, carrier: this.#carrier });
    this.#steering = new Steering(this.#parts, this.#settler, this.#carrier, followUps);
    void logRuns(this.#parts.hub.subscribe(), logger).catch((error: unknown) =>
      logger.error({}, `runs can't be logged any more: ${messageOf(error)}`),
    );
    this.#stops = [
      () => this.#exchanges.close(),
      watchThreads(this.#parts, options.stuck),
      keepArchiving(this.#parts),
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
    return this.#admit(params, requester, options.idempotencyKey);
  }

  async wait(
    runIds: string[],
    requester: Requester,
    options: { mode?: "all" | "any"; timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<WaitResult> {
    this.#refuseWhenClosed("wait");
    // A run that waits in the middle of a turn holds no slot either: those it waits for may need it.
    const slot = this.#parts.live.ofSession(requester.sessionKey)?.slot;
    return waitFor(this.#parts, runIds, requester, options, this.#waiting, (wait) => slot?.without(wait) ?? wait);
  }

  async list(requester: Requester, options: ListOptions = {}): Promise<RunView[]> {
    this.#refuseWhenClosed("list");
    return listed(this.#parts, requester.sessionKey, options).map((row) => viewOf(row, this.#parts.live));
  }

  async kill(target: string, requester: Requester): Promise<KillResult> {
    this.#refuseWhenClosed("kill");
    return kill(this.#parts, this.#settler, this.#threads, target, requester);
  }

  async steer(target: string, message: string, requester: Requester, options: SteerOptions = {}): Promise<SteerResult> {
    this.#refuseWhenClosed("steer");
    return this.#steering.steer(target, message, requester, options);
  }

  async send(params: SendParams, requester: Requester, options: { signal?: AbortSignal } = {}): Promise<SendResult> {
    this.#refuseWhenClosed("send");
    const tell: Steering["send"] = (...said) => this.#steering.send(...said);
    return send({ ...this.#parts, exchanges: this.#exchanges }, tell, params, requester, options.signal);
  }

  async history(sessionKey: string, requester: Requester, options: HistoryOptions = {}): Promise<History> {
    this.#refuseWhenClosed("history");
    return readHistory(this.#parts, this.#transcripts, sessionKey, requester, options);
  }

  async hostSessions(requester: Requester, filter: SessionFilter = {}): Promise<SessionView[]> {
    this.#refuseWhenClosed("hostSessions");
    const { host } = this.#parts;
    // A child sees what is below it, and nothing else.
    if (host.listSessions === undefined || isChild(this.#parts, requester)) return [];
    return host.listSessions(filter);
  }

  waitSecondsMax(requester: Requester): number {
    return swarmOf(this.#parts.config, requester.agentId).waitTimeoutSecondsMax;
  }

  agents(requester: Requester): AgentsView {
    return agentsView(this.#parts.config, requester.agentId);
  }

  events(filter?: EventFilter): AsyncIterable<RunEvent> {
    this.#refuseWhenClosed("events");
    return this.#parts.hub.subscribe(filter);
  }

  stats(): RuntimeStats {
    this.#refuseWhenClosed("stats");
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
      await Promise.all([this.#homeward.close(), this.#transcripts.close()]);
      await this.#parts.loose.ended();
    }));
  }

  #start(run: LiveRun, queuePosition: number): void {
    tellAccepted(this.#parts, run, queuePosition);
    this.#carrier.enqueue(run, { prompt: run.facts.row.task });
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
