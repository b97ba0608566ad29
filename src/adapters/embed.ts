/** Where a gateway of the developer's own comes in: one call, and it has a runtime. */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.ts";
import { InprocessError } from "../errors.ts";
import type { Host } from "../host.ts";
import { createLogger, type Logger } from "../log.ts";
import { workerFile } from "../package-root.ts";
import { selectEngine, type EngineChoice } from "../policy/select-engine.ts";
import { selectRuntime } from "../policy/select-runtime.ts";
import { openRegistry } from "../registry/registry.ts";
import { ownersIn } from "../runtime/fallback-owner.ts";
import type { Beside } from "../runtime/beside.ts";
import { createFallbackRuntime, type FallbackOptions } from "../runtime/fallback-runtime.ts";
import { shownUrl } from "../runtime/gateway-address.ts";
import type { HandOver } from "../runtime/gateway-announce.ts";
import { createGatewayRuntime, type GatewaySubagents } from "../runtime/gateway-runtime.ts";
import { createInProcessRuntime } from "../runtime/in-process-runtime.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { createSessionTools } from "../tools/session-tools.ts";
import { execEnvironment, hostEnvironment, threadEnvironment } from "./environment.ts";
import { gatewayAddress } from "./gateway-address.ts";
import { refuseUnbuilt } from "./refuse-unbuilt.ts";
import { makePrivate, stateLayout } from "./state-layout.ts";

export type RuntimeOptions = {
  /** From `parseConfig`. */
  config: Config;
  host: Host;
  /** Made (0700) when it isn't there; several processes may share it. */
  stateDir: string;
  /** Anything with pino's methods. @default nothing is logged */
  logger?: Logger;
};

/**
 * Opens the state, settles what dead processes left, starts the first thread. Ready when it resolves: spawns are
 * accepted while the threads warm up in the background. Where the config selects the gateway's own path, nothing is
 * connected before the first spawn.
 * @throws InprocessError `state_dir_unusable`, `registry_unusable`, `worker_start_failed`; `config_invalid` for a
 * gateway whose address or secrets can't be made out; `capability_missing` for a budget where the gateway runs the subagents
 */
export async function createSubagentRuntime(options: RuntimeOptions): Promise<SubagentRuntime> {
  refuseMisuse(options);
  refuseUnbuilt(options.config);
  const logger = options.logger ?? createLogger();
  const { runtime, reason } = selectRuntime(options.config);
  if (runtime === "gateway") return viaGateway({ ...options, logger }, reason);
  return inProcess({ ...options, logger }, reason);
}

/**
 * The same where a gateway's plugin has made the choices already: in process, whatever the config says of where, and
 * with this engine. Its log says why it was chosen.
 */
export async function createChosenRuntime(
  { config, ...options }: Options,
  { reason, engine }: { reason: string; engine: EngineChoice },
): Promise<SubagentRuntime> {
  const subagents = { ...config.subagents, runtime: "inprocess" as const, engine: engine.engine };
  const chosen = { ...options, config: { ...config, subagents } };
  refuseUnbuilt(chosen.config);
  return inProcess(chosen, reason, { engineReason: engine.reason });
}

type Options = RuntimeOptions & { logger: Logger };

async function viaGateway(options: Options, reason: string): Promise<SubagentRuntime> {
  const { config, logger, host, stateDir } = options;
  const address = gatewayAddress(config);
  logger.info(
    { runtime: "gateway", reason, gateway: shownUrl(address), fallback: config.subagents.fallback },
    "subagents run in the gateway",
  );
  const layout = stateLayout(stateDir);
  // An owner of its own: what is the gateway's to wait for isn't mixed with the runs of this process.
  const registry = openRegistry({ file: layout.registry });
  const open = (handOver?: HandOver): Promise<GatewaySubagents> =>
    closingOnFailure(registry, () =>
      createGatewayRuntime({
        ...{ address, config, host, registry, identityFile: layout.identity, logger },
        ...(handOver === undefined ? {} : { handOver }),
      }),
    );
  return config.subagents.fallback ? withFallback(options, open, { ownerOf: ownersIn(registry) }) : open();
}

/**
 * A gateway's runtime, and this process to fall back on. Completions of both are taken home by the one in process: those
 * of one requester's turn come together, wherever its children worked. It is there from the start, with one thread: a
 * first thread that can't start is told of now and not when the gateway fails too, and what an earlier fallback left
 * undelivered isn't left lying.
 */
export async function withFallback(
  options: Options,
  open: (handOver: HandOver) => Promise<GatewaySubagents>,
  more: Pick<FallbackOptions, "ownerOf" | "now">,
): Promise<SubagentRuntime> {
  let here: SubagentRuntime | undefined;
  // What settles before it is there it finds when it is made.
  const gateway = await open((sessionKey) => here?.deliverPending(sessionKey));
  const { config, logger } = options;
  const pool = { ...config.subagents.pool, minThreads: 1 };
  const fallback = { ...options, config: { ...config, subagents: { ...config.subagents, pool } } };
  return closingOnFailure(gateway, async () => {
    here = await inProcess(fallback, FALLBACK_REASON, { beside: gateway.beside });
    return createFallbackRuntime({ gateway, inProcess: here, logger, ...more });
  });
}

async function inProcess(
  options: Options,
  reason: string,
  { engineReason, beside }: { engineReason?: string; beside?: Beside } = {},
): Promise<SubagentRuntime> {
  const { host, stateDir, logger } = options;
  const chosen = engineFor(options.config, host);
  const config = { ...options.config, subagents: { ...options.config.subagents, engine: chosen.engine } };
  logger.info(
    { runtime: "inprocess", reason, engine: chosen.engine, engineReason: engineReason ?? chosen.reason },
    "subagents run in this process",
  );
  const layout = stateLayout(stateDir);
  const registry = openRegistry({ file: layout.registry });
  makePrivate(layout.compileCache);
  return closingOnFailure(registry, () =>
    createInProcessRuntime({
      config,
      host,
      registry,
      logger,
      transcriptsDir: layout.transcripts,
      scratchDir: layout.scratch,
      workerFile: workerFile(),
      threadEnv:
        chosen.engine === "openclaw"
          ? hostEnvironment(process.env, layout.compileCache)
          : threadEnvironment(process.env, layout.compileCache),
      execEnv: execEnvironment(process.env),
      sessionTools: createSessionTools,
      ...(beside === undefined ? {} : { beside }),
      ...(chosen.engine === "openclaw" ? { stuck: RUNNER_STUCK } : {}),
    }),
  );
}

async function closingOnFailure<T>(opened: { close(): Promise<void> }, next: () => Promise<T>): Promise<T> {
  try {
    return await next();
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw error;
  }
}

/** For callers without types. */
function refuseMisuse(options: Partial<RuntimeOptions>): void {
  const missing = [
    ...(options.config?.subagents === undefined ? ["config (from parseConfig)"] : []),
    ...(typeof options.host?.deliver === "function" ? [] : ["host.deliver"]),
    ...(typeof options.host?.resolveModel === "function" ? [] : ["host.resolveModel"]),
    ...(typeof options.host?.workspaceDir === "function" ? [] : ["host.workspaceDir"]),
    ...(typeof options.stateDir === "string" && options.stateDir !== "" ? [] : ["stateDir"]),
  ];
  if (missing.length === 0) return;
  throw new InprocessError("params_invalid", `createSubagentRuntime was called without ${missing.join(", ")}.`);
}

/** @throws InprocessError `config_invalid` when there is no such engine here */
function engineFor(config: Config, host: Host): EngineChoice {
  const missing = host.engineContext === undefined ? "this host has no runner of its own" : undefined;
  const choice = selectEngine(config, missing === undefined ? {} : { missing });
  refuseNoModule(choice.engine);
  return choice;
}

/** @throws InprocessError `config_invalid` for the module of a user's own that isn't there */
export function refuseNoModule(engine: string): void {
  if (engine === "pi" || engine === "openclaw") return;
  if (existsSync(engine.startsWith("file:") ? fileURLToPath(engine) : engine)) return;
  throw new InprocessError(
    "config_invalid",
    `subagents.engine: there is no file ${engine}; give "auto", "pi" or the path of a module.`,
  );
}

const FALLBACK_REASON = "the gateway may not be there when a spawn is made (subagents.fallback)";

/** The gateway's runner loads its plugins synchronously, for seconds in a cold thread of a loaded machine. */
const RUNNER_STUCK = { lookMs: 2000, stuckMs: 60_000 };
