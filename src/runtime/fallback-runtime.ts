/**
 * The gateway first, this process when the gateway certainly didn't take a spawn. A run belongs to the one that accepted
 * it and to nobody else. Both keep their runs in one registry: this process looks at it without a network, so it is
 * asked first about everything, and the gateway only about what it owns.
 */

import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { messageOf } from "../errors.ts";
import type { EventFilter, RunEvent } from "../events.ts";
import type { SessionFilter, SessionView } from "../host.ts";
import type { Logger } from "../log.ts";
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
import { FallbackChoice } from "./fallback-choice.ts";
import { bothEvents, bothKilled, bothListed, bothStats, waitForBoth, type WaitOptions } from "./fallback-merge.ts";
import type { Owner, OwnerOf } from "./fallback-owner.ts";
import { missingCapability } from "./gateway-lacks.ts";
import type { SubagentRuntime } from "./runtime.ts";

export type FallbackOptions = {
  gateway: SubagentRuntime;
  /** Over the same registry file as `gateway`, with an owner of its own. */
  inProcess: SubagentRuntime;
  ownerOf: OwnerOf;
  logger: Logger;
  /** Milliseconds a gateway that took no spawn isn't asked for another. @default 60000 */
  rememberMs?: number;
  /** For tests: milliseconds on a clock that never goes back. */
  now?: () => number;
};

export function createFallbackRuntime(options: FallbackOptions): SubagentRuntime {
  return new FallbackRuntime(options);
}

class FallbackRuntime implements SubagentRuntime {
  readonly kind = "gateway";
  /** What both can do: whether a call is refused mustn't hang on whether the gateway is there at the moment. */
  readonly capabilities: ReadonlySet<Capability>;
  readonly #gateway: SubagentRuntime;
  readonly #inProcess: SubagentRuntime;
  readonly #ownerOf: OwnerOf;
  readonly #logger: Logger;
  readonly #choice: FallbackChoice;
  /** Spawns that aren't answered yet, by requester and idempotency key. */
  readonly #asked = new Map<string, Promise<SpawnResult>>();
  #closed = false;

  constructor(options: FallbackOptions) {
    const { gateway, inProcess, ownerOf, logger, rememberMs = REMEMBER_MS, now = () => performance.now() } = options;
    this.#gateway = gateway;
    this.#inProcess = inProcess;
    this.#ownerOf = ownerOf;
    this.#logger = logger;
    this.capabilities = new Set([...gateway.capabilities].filter((one) => inProcess.capabilities.has(one)));
    this.#choice = new FallbackChoice({
      rememberMs,
      now,
      onBroken: ({ code, message }) =>
        logger.warn(
          { fallback: "inprocess", code, rememberMs },
          `subagents run in this process, for the gateway takes none: ${message}`,
        ),
    });
  }

  async spawn(
    params: SpawnParams,
    requester: Requester,
    options: { idempotencyKey?: string } = {},
  ): Promise<SpawnResult> {
    const { idempotencyKey = randomUUID() } = options;
    // Asked again before it is answered it is the same spawn, whatever has become of the gateway meanwhile.
    const key = `${requester.sessionKey}\n${idempotencyKey}`;
    const before = this.#asked.get(key);
    if (before !== undefined) return before;
    const asked = this.#spawn(params, requester, idempotencyKey).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }

  async #spawn(params: SpawnParams, requester: Requester, idempotencyKey: string): Promise<SpawnResult> {
    const here = (): Promise<SpawnResult> => this.#inProcess.spawn(params, requester, { idempotencyKey });
    // The gateway knows nothing of a child that works here, and a tree stays together.
    const requesterOwner = this.#owner(requester.sessionKey);
    if (requesterOwner === "inprocess") return here();
    const isItsOwn = this.#owner(requester.sessionKey, idempotencyKey) === "gateway";
    const answer = await this.#choice.ask(isItsOwn, () => this.#gateway.spawn(params, requester, { idempotencyKey }));
    if (answer !== undefined) return answer;
    const missing = missingCapability(params, requesterOwner === "gateway");
    if (missing === undefined) return here();
    return { status: missing.status, code: missing.code, error: missing.message };
  }

  async wait(runIds: string[], requester: Requester, options: WaitOptions = {}): Promise<WaitResult> {
    const gateways: string[] = [];
    const others: string[] = [];
    for (const runId of new Set(runIds)) (this.#isGateways(runId) ? gateways : others).push(runId);
    if (gateways.length === 0) return this.#inProcess.wait(others, requester, options);
    if (others.length === 0) return this.#gateway.wait(gateways, requester, options);
    const groups = [
      { runtime: this.#gateway, runIds: gateways },
      { runtime: this.#inProcess, runIds: others },
    ];
    return waitForBoth(groups, requester, options);
  }

  async list(requester: Requester, options: ListOptions = {}): Promise<RunView[]> {
    const here = await this.#inProcess.list(requester, options);
    if (!here.some((run) => this.#isGateways(run.runId))) return here;
    try {
      const there = await this.#gateway.list(requester, options);
      return bothListed(here, there, (run) => this.#isGateways(run.runId));
    } catch (error) {
      this.#logger.warn({}, `the gateway's runs are listed as they were last known: ${messageOf(error)}`);
      return here;
    }
  }

  async kill(target: string, requester: Requester): Promise<KillResult> {
    const all = target.trim() === "all" || target.trim() === "*";
    const theirs = all && (await this.#hasGatewayRuns(requester));
    const here = await this.#inProcess.kill(target, requester);
    // It can't tell runs of the gateway's from another process's, and the gateway's runtime can.
    if (theirs && !isElsewhere(here)) return bothKilled(here, await this.#gateway.kill(target, requester));
    return isElsewhere(here) ? this.#gateway.kill(target, requester) : here;
  }

  async steer(target: string, message: string, requester: Requester, options: SteerOptions = {}): Promise<SteerResult> {
    const here = await this.#inProcess.steer(target, message, requester, options);
    return isElsewhere(here) ? this.#gateway.steer(target, message, requester, options) : here;
  }

  async send(params: SendParams, requester: Requester, options: { signal?: AbortSignal } = {}): Promise<SendResult> {
    const here = await this.#inProcess.send(params, requester, options);
    return isElsewhere(here) ? this.#gateway.send(params, requester, options) : here;
  }

  async history(sessionKey: string, requester: Requester, options: HistoryOptions = {}): Promise<History> {
    const owner = this.#isGateways(sessionKey.trim()) ? this.#gateway : this.#inProcess;
    return owner.history(sessionKey, requester, options);
  }

  async hostSessions(requester: Requester, filter: SessionFilter = {}): Promise<SessionView[]> {
    return this.#inProcess.hostSessions(requester, filter);
  }

  waitSecondsMax(requester: Requester): number {
    return this.#inProcess.waitSecondsMax(requester);
  }

  agents(requester: Requester): AgentsView {
    return this.#inProcess.agents(requester);
  }

  events(filter?: EventFilter): AsyncIterable<RunEvent> {
    return bothEvents([this.#gateway, this.#inProcess], filter);
  }

  stats(): RuntimeStats {
    return bothStats(this.#inProcess.stats(), this.#gateway.stats());
  }

  /** Of the threads here. The gateway is connected to beside that; one that isn't there is told of by the first spawn. */
  warm(): Promise<void> {
    void this.#gateway.warm().catch(() => undefined);
    return this.#inProcess.warm();
  }

  deliverPending(requesterSessionKey: string): void {
    this.#gateway.deliverPending(requesterSessionKey);
    this.#inProcess.deliverPending(requesterSessionKey);
  }

  async close(options: { drainMs?: number } = {}): Promise<void> {
    this.#closed = true;
    const closing = await Promise.allSettled([this.#gateway.close(options), this.#inProcess.close(options)]);
    for (const result of closing) if (result.status === "rejected") throw result.reason;
  }

  #isGateways(named: string): boolean {
    return this.#owner(named) === "gateway";
  }

  /** Once closed, the registry is too, and each of the two says so itself. */
  #owner(...named: Parameters<OwnerOf>): Owner | undefined {
    return this.#closed ? undefined : this.#ownerOf(...named);
  }

  async #hasGatewayRuns(requester: Requester): Promise<boolean> {
    const runs = await this.#inProcess.list(requester, { recentMinutes: 0 });
    return runs.some((run) => run.state !== "settled" && this.#isGateways(run.runId));
  }
}

/** How this process answers about a run of the registry that isn't its own. */
function isElsewhere(answer: { status: string; code?: string }): boolean {
  return answer.status === "error" && answer.code === "not_yours";
}

const REMEMBER_MS = 60_000;
