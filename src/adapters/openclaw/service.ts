/** Starts the runtime when the gateway is up, and ends it with the gateway. */

import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { selectEngine } from "../../policy/select-engine.ts";
import { selectRuntime } from "../../policy/select-runtime.ts";
import type { SubagentRuntime } from "../../runtime/runtime.ts";
import { createChosenRuntime } from "../embed.ts";
import type { HostConfig, PluginApi, ServiceContext } from "./api.ts";
import { BusySessions } from "./busy-sessions.ts";
import { ChannelSends } from "./channel-sends.ts";
import { gatewayHost } from "./gateway-host.ts";
import { instance, setInstance, startedInstance, starting } from "./instance.ts";
import { hostLogger } from "./log-lines.ts";
import { findOpenClaw, loadSdk, stopWords } from "./openclaw-package.ts";
import { readPairing } from "./pairing.ts";
import { depthOf, stoppedSince } from "./requester-session.ts";
import { agentOf } from "./agents.ts";
import { tellLifecycle } from "./lifecycle-hooks.ts";
import { followChanges, readSettings, type Settings } from "./settings.ts";
import { STATE_FOLDER } from "./state-folder.ts";
import { stillToCome } from "./still-to-come.ts";
import { hearStops } from "./stop-command.ts";
import { chooseTakeover } from "./takeover.ts";

/** Never rejects: a plugin that can't start says so in one line and leaves the gateway as it was. */
export async function startInGateway(api: PluginApi, context: ServiceContext): Promise<void> {
  if (instance() !== undefined) return;
  await starting(() =>
    start(api, context).catch((error: unknown) => {
      api.logger.error(`openclaw-inprocess is off: ${messageOf(error)}`);
    }),
  );
}

export async function stopInGateway(): Promise<void> {
  // A start that is under way would leave its threads behind.
  const here = await startedInstance();
  if (here === undefined) return;
  setInstance(undefined);
  here.busy.close();
  await here.runtime.close();
}

async function start(api: PluginApi, { config: raw, stateDir }: ServiceContext): Promise<void> {
  const openclaw = findOpenClaw(process.argv[1]);
  if (openclaw === undefined) throw new Error("this process isn't an OpenClaw gateway.");
  const { config, passedOver } = settingsOf(raw, openclaw);
  for (const what of passedOver) api.logger.warn(`openclaw-inprocess goes on without a setting it can't read: ${what}`);
  const choice = selectRuntime(config);
  const engine = selectEngine(config, openclaw.runnerMissing === undefined ? {} : { missing: openclaw.runnerMissing });
  const takeover = chooseTakeover(config, choice, engine.engine);
  if (takeover.spawns === "never") {
    api.logger.info(`openclaw-inprocess: subagents take the gateway's own path: ${takeover.reason}`);
    return;
  }
  const logger = hostLogger(api.logger, () => api.runtime.logging?.shouldLogVerbose?.() ?? true);
  const sdk = await loadSdk(openclaw);
  // What the host is asked of it counts from when it is there.
  const late: { runtime?: SubagentRuntime } = {};
  const busy = new BusySessions(api.runtime.events, (sessionKey) => late.runtime?.deliverPending(sessionKey));
  const sends = new ChannelSends(logger);
  const { host, sessions, requesters } = gatewayHost({
    api: api.runtime,
    raw: () => currentConfig(api, raw),
    stateDir,
    config,
    engine: engine.engine,
    openclaw,
    sdk,
    busy,
    sends,
    logger,
    stillToCome: async (sessionKey, told) => {
      const requester = { sessionKey, agentId: agentOf(sessionKey, raw) };
      // A delivery may still be under way when the runtime is closed.
      const below = await late.runtime?.list(requester, EVERYTHING_BELOW).catch(() => []);
      return stillToCome(below ?? [], sessionKey, told);
    },
  });
  const options = {
    config,
    host,
    stateDir: join(stateDir, STATE_FOLDER),
    // A gateway takes about a millisecond of its loop for a line of its log, and every run has five.
    logger: { ...logger, info: logger.debug },
  };
  const runtime = await createChosenRuntime(options, { reason: takeover.reason, engine }).catch((error: unknown) => {
    busy.close();
    throw error;
  });
  late.runtime = runtime;
  const heard = hearStops({
    runtime,
    isStop: stopWords(openclaw),
    stoppedSince: (at) => stoppedSince(api.runtime, currentConfig(api, raw), at),
    agentOf: (sessionKey) => agentOf(sessionKey, raw),
    logger,
  });
  setInstance({
    runtime,
    followChanges: followChanges(config, () => currentConfig(api, raw), openclaw),
    takeover,
    engine: engine.engine,
    busy,
    sends,
    // A newer host's entries say nothing that tells a stop from a restart.
    ...(openclaw.sessionsInFiles ? { heard } : {}),
    coreIsBroken: async () => openclaw.sessionsInFiles && (await readPairing(stateDir)).state === "narrow",
    host: openclaw,
    session: requesters,
    config: () => currentConfig(api, raw),
    workspaceDir: (agentId) => host.workspaceDir(agentId),
    depthOf: (sessionKey) => depthOf(requesters, sessionKey),
  });
  tellLifecycle(runtime, { sdk, sessions, logger });
  const taken = takeover.spawns === "always" ? "run in process" : "run in process where the core's path can't";
  api.logger.info(
    `openclaw-inprocess: subagents ${taken}: ${takeover.reason}; engine ${engine.engine}: ${engine.reason}`,
  );
}

function settingsOf(raw: HostConfig, openclaw: Parameters<typeof readSettings>[1]): Settings {
  try {
    return readSettings(raw, openclaw);
  } catch (error) {
    throw new Error(`its settings are wrong: ${messageOf(error).replaceAll("\n", " ")}`, { cause: error });
  }
}

/** As it is now: a gateway takes some changes up without a restart. */
function currentConfig(api: PluginApi, raw: HostConfig): HostConfig {
  const { current, loadConfig } = api.runtime.config;
  return current?.() ?? loadConfig?.() ?? raw;
}

const EVERYTHING_BELOW = { descendants: true, recentMinutes: 1440 };
