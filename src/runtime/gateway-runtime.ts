/**
 * Subagents that a gateway runs, over its WebSocket: wires registry, link, following and announce together. One
 * connection is kept for everything. What a process leaves unsettled here its successor asks the gateway about, and goes
 * on waiting for.
 */

import { performance } from "node:perf_hooks";
import type { Config } from "../config.ts";
import { InprocessError, messageOf } from "../errors.ts";
import type { EventFilter, RunEvent } from "../events.ts";
import type { Host, SessionFilter, SessionView } from "../host.ts";
import type { Logger } from "../log.ts";
import { agentsView } from "../policy/allowed-agents.ts";
import { swarmOf } from "../policy/swarm.ts";
import type { Registry } from "../registry/registry.ts";
import type { RunRow } from "../registry/run-row.ts";
import type {
  AgentsView,
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
import { EventHub } from "./event-hub.ts";
import { checkAddress, secretsOf, shownUrl, type GatewayAddress } from "./gateway-address.ts";
import type { Beside } from "./beside.ts";
import { GatewayAnnounce, type HandOver } from "./gateway-announce.ts";
import { closeGateway } from "./gateway-close.ts";
import { GatewayControl } from "./gateway-control.ts";
import { Exchanges } from "./exchanges.ts";
import { Following } from "./gateway-follow.ts";
import { deviceIdentity, type DeviceIdentity } from "./gateway-identity.ts";
import { GATEWAY_CAPABILITIES } from "./gateway-lacks.ts";
import { GatewayLink } from "./gateway-link.ts";
import { gatewayHistory, gatewayList } from "./gateway-look.ts";
import { Adoption } from "./gateway-adopt.ts";
import { keptBy, type GatewayParts, type GatewayRun } from "./gateway-run.ts";
import { openSocket, type GatewaySocket, type GatewayTimeouts } from "./gateway-socket.ts";
import { GatewaySpawns } from "./gateway-spawn.ts";
import { LiveRuns } from "./parts.ts";
import { keepRecovering, settleLeft } from "./recover.ts";
import { logRuns } from "./run-log.ts";
import type { SubagentRuntime } from "./runtime.ts";
import { isChild, send } from "./send.ts";
import { Settler } from "./settler.ts";
import { statsWithoutThreads, waitFor } from "./views.ts";

export { isGatewayRun } from "./gateway-run.ts";

export type GatewayOptions = {
  address: GatewayAddress;
  config: Config;
  host: Host;
  /** This runtime's own: it is closed with it. */
  registry: Registry;
  /** The device's key, and what gateways gave it; made (0600) when it isn't there. */
  identityFile: string;
  logger: Logger;
  /** A connection of its own for each call, as OpenClaw 2026.4.1 does; for the benchmark. @default false */
  connectionPerCall?: boolean;
  /** Takes completions home in this runtime's place, as the one that `beside` was given to. @default this runtime does */
  handOver?: HandOver;
  timeouts?: Partial<GatewayTimeouts>;
};

export type GatewaySubagents = SubagentRuntime & {
  /** For the runtime in threads of the same process, when `handOver` leads there. */
  readonly beside: Beside;
};

/**
 * Resolves without connecting: the first call does that.
 * @throws InprocessError `config_invalid` for an address that can't be used, `state_dir_unusable`
 */
export async function createGatewayRuntime(options: GatewayOptions): Promise<GatewaySubagents> {
  checkAddress(options.address);
  return new GatewayRuntime(options, deviceIdentity(options.identityFile));
}

class GatewayRuntime implements GatewaySubagents {
  readonly kind = "gateway";
  readonly capabilities = GATEWAY_CAPABILITIES;
  readonly #options: GatewayOptions;
  readonly #parts: GatewayParts;
  readonly #settler: Settler<GatewayRun>;
  readonly #following: Following;
  readonly #spawns: GatewaySpawns;
  readonly #control: GatewayControl;
  readonly #announce: GatewayAnnounce;
  readonly #exchanges: Exchanges;
  readonly #waiting = new Set<(runId: string) => void>();
  readonly #stopRecovering: () => void;
  /** Nothing settles any more. */
  readonly #quiet = Promise.withResolvers<void>();
  #closed: Promise<void> | undefined;
  #loop = performance.eventLoopUtilization();

  constructor(options: GatewayOptions, device: DeviceIdentity) {
    const { address, config, host, registry, logger, connectionPerCall = false } = options;
    this.#options = options;
    registry.claimOwner();
    registry.purgeOlderThan();
    const timeouts = { ...TIMEOUTS, ...options.timeouts };
    const onEvent = (event: string, payload: unknown): void => this.#following.heard(event, payload);
    const { mode } = config.gateway;
    const open = (signal: AbortSignal, alone: boolean): Promise<GatewaySocket> =>
      openSocket({ address, mode, identity: device, timeouts, onEvent: alone ? () => undefined : onEvent, signal });
    this.#parts = {
      config,
      host,
      registry,
      logger,
      hub: new EventHub(),
      live: new LiveRuns<GatewayRun>(),
      link: new GatewayLink({ open, connectionPerCall }),
      gateway: shownUrl(address),
      secrets: () => secretsOf(address, device.tokenFor(address.url)),
      connectionPerCall,
    };
    this.#settler = new Settler(this.#parts, (run) => {
      this.#wake(run);
      this.#announce.settled(run);
    });
    this.#exchanges = new Exchanges(host, logger);
    this.#following = new Following(this.#parts, this.#settler);
    this.#spawns = new GatewaySpawns(this.#parts, (run) => this.#accepted(run));
    this.#control = new GatewayControl(this.#parts, this.#settler, this.#following);
    const adoption = new Adoption(this.#parts, this.#settler, this.#following);
    adoption.look();
    // Superseded ones, and what is owed for settled ones.
    const isThisGateways = ({ transcriptPath }: RunRow): boolean => transcriptPath === keptBy(this.#parts.gateway);
    settleLeft(this.#parts, isThisGateways);
    this.#announce = new GatewayAnnounce(this.#parts, this.#settler, options.handOver);
    const onOwed = (sessionKey: string): void => this.#announce.nudge(sessionKey);
    this.#stopRecovering = keepRecovering(this.#parts, onOwed, isThisGateways, () => adoption.look());
    void logRuns(this.#parts.hub.subscribe(), logger).catch((error: unknown) =>
      logger.error({}, `runs can't be logged any more: ${messageOf(error)}`),
    );
  }

  async spawn(
    params: SpawnParams,
    requester: Requester,
    options: { idempotencyKey?: string } = {},
  ): Promise<SpawnResult> {
    this.#refuseWhenClosed("spawn");
    return this.#spawns.spawn(params, requester, options.idempotencyKey);
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
    return gatewayList(this.#parts, requester, options);
  }

  async kill(target: string, requester: Requester): Promise<KillResult> {
    this.#refuseWhenClosed("kill");
    const killed = await this.#control.kill(target, requester);
    for (const run of this.#parts.live.all()) {
      if (run.givenUp === undefined) continue;
      this.#wake(run);
      // What was held back for its sake can go now.
      this.#announce.nudge(run.facts.row.requesterSessionKey);
    }
    return killed;
  }

  async steer(target: string, message: string, requester: Requester, options: SteerOptions = {}): Promise<SteerResult> {
    this.#refuseWhenClosed("steer");
    return this.#control.steer(target, message, requester, options);
  }

  async send(params: SendParams, requester: Requester, options: { signal?: AbortSignal } = {}): Promise<SendResult> {
    this.#refuseWhenClosed("send");
    const tell: typeof this.steer = (...said) => this.#control.steer(...said);
    return send({ ...this.#parts, exchanges: this.#exchanges }, tell, params, requester, options.signal);
  }

  async history(sessionKey: string, requester: Requester, options: HistoryOptions = {}): Promise<History> {
    this.#refuseWhenClosed("history");
    return gatewayHistory(this.#parts, sessionKey, requester, options);
  }

  async hostSessions(requester: Requester, filter: SessionFilter = {}): Promise<SessionView[]> {
    this.#refuseWhenClosed("hostSessions");
    const { host } = this.#parts;
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
    return statsWithoutThreads(this.#parts, utilization);
  }

  /** Connects, so that the first spawn needn't; a gateway that can't be reached is told of by the spawn. */
  async warm(): Promise<void> {
    if (this.#options.connectionPerCall !== true) await this.#parts.link.connect().catch(() => undefined);
  }

  deliverPending(requesterSessionKey: string): void {
    this.#announce.nudge(requesterSessionKey);
  }

  close(options: { drainMs?: number } = {}): Promise<void> {
    return (this.#closed ??= closeGateway(this.#parts, {
      settler: this.#settler,
      following: this.#following,
      spawns: this.#spawns,
      drainMs: options.drainMs ?? 0,
      stop: () => {
        this.#stopRecovering();
        this.#exchanges.close();
        // Those that are left to the next process.
        for (const run of this.#parts.live.all()) this.#wake(run);
        this.#quiet.resolve();
        return this.#announce.close();
      },
    }).finally(() => this.#quiet.resolve()));
  }

  get beside(): Beside {
    return {
      ownerId: this.#parts.registry.ownerId,
      holdsFor: (requester) => this.#settler.holdsFor(requester),
      delivered: (row) => this.#announce.cleanUp(row),
      quiet: async () => (this.#closed === undefined ? undefined : this.#quiet.promise),
    };
  }

  #accepted(run: GatewayRun): void {
    tellAccepted(this.#parts, run);
    this.#following.follow(run);
  }

  /** Whoever waits for it looks at it again. */
  #wake({ id }: GatewayRun): void {
    for (const watcher of [...this.#waiting]) watcher(id);
  }

  #refuseWhenClosed(call: string): void {
    if (this.#closed === undefined) return;
    throw new InprocessError("runtime_closed", `${call}() was called after the runtime was closed; create a new one.`);
  }
}

const TIMEOUTS: GatewayTimeouts = { connect: 30_000, handshake: 30_000, call: 30_000 };
