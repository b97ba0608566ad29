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
import { createInProcessRuntime } from "../runtime/in-process-runtime.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { createSessionTools } from "../tools/session-tools.ts";
import { execEnvironment, hostEnvironment, threadEnvironment } from "./environment.ts";
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
 * accepted while the threads warm up in the background.
 * @throws InprocessError `state_dir_unusable`, `registry_unusable`, `worker_start_failed`; `runtime_unavailable` when
 * the config selects the gateway's own path, `capability_missing` when it sets a budget: this version has neither
 */
export async function createSubagentRuntime(options: RuntimeOptions): Promise<SubagentRuntime> {
  const { host, stateDir } = options;
  refuseMisuse(options);
  refuseUnbuilt(options.config);
  const chosen = engineFor(options.config, host);
  const config = { ...options.config, subagents: { ...options.config.subagents, engine: chosen.engine } };
  const logger = options.logger ?? createLogger();
  const { runtime, reason } = selectRuntime(config);
  logger.info({ runtime, reason, engine: chosen.engine, engineReason: chosen.reason }, "subagents run in this process");
  const layout = stateLayout(stateDir);
  const registry = openRegistry({ file: layout.registry });
  makePrivate(layout.compileCache);
  try {
    return await createInProcessRuntime({
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
      ...(chosen.engine === "openclaw" ? { stuck: RUNNER_STUCK } : {}),
    });
  } catch (error) {
    await registry.close().catch(() => undefined);
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

/** What a config asks for that this version can't keep is refused by name: a limit that isn't counted would be worse. */
function refuseUnbuilt(config: Config): void {
  const { runtime, reason } = selectRuntime(config);
  if (runtime === "gateway") {
    throw new InprocessError(
      "runtime_unavailable",
      `The gateway runtime isn't part of this version (it was chosen because ${reason}); set subagents.runtime to "inprocess" to run subagents in this process.`,
    );
  }
  if (config.subagents.isolation === "process") {
    throw new InprocessError(
      "isolation_unavailable",
      'subagents.isolation is "process", which this version doesn\'t have and doesn\'t downgrade; set it to "dedicated" or "thread".',
    );
  }
  const [limit] = Object.keys(config.subagents.budget);
  if (limit !== undefined) {
    throw new InprocessError(
      "capability_missing",
      `subagents.budget.${limit} is set, and this version doesn't count budgets yet; take it out of the configuration.`,
    );
  }
}

/** @throws InprocessError `config_invalid` when there is no such engine here */
function engineFor(config: Config, host: Host): EngineChoice {
  const missing = host.engineContext === undefined ? "this host has no runner of its own" : undefined;
  const choice = selectEngine(config, missing === undefined ? {} : { missing });
  const { engine } = choice;
  if (engine === "pi") return choice;
  if (engine === "openclaw") {
    if (missing === undefined) return choice;
    throw new InprocessError(
      "config_invalid",
      `subagents.engine is "openclaw", which needs an OpenClaw gateway around it whose runner can be loaded; set it to "auto" or "pi".`,
    );
  }
  if (existsSync(engine.startsWith("file:") ? fileURLToPath(engine) : engine)) return choice;
  throw new InprocessError(
    "config_invalid",
    `subagents.engine: there is no file ${engine}; give "auto", "pi" or the path of a module.`,
  );
}

/** The gateway's runner loads its plugins synchronously, for seconds in a cold thread of a loaded machine. */
const RUNNER_STUCK = { lookMs: 2000, stuckMs: 60_000 };
