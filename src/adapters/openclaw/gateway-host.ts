/** The gateway as the runtime's host: sessions, models, workspaces and policy are OpenClaw's own. */

import type { Config } from "../../config.ts";
import type { ChildContext, Host } from "../../host.ts";
import type { Logger } from "../../log.ts";
import type { OpenClawContext } from "../../sessions/openclaw-context.ts";
import type { Completion } from "../../types.ts";
import type { HostConfig, HostRuntime } from "./api.ts";
import type { BusySessions } from "./busy-sessions.ts";
import type { ChannelSends } from "./channel-sends.ts";
import { deliverByTurn, type DeliveryOptions } from "./delivery.ts";
import { namedModels, servedModels } from "./models.ts";
import type { OpenClawPackage, Sdk } from "./openclaw-package.ts";
import { outsideOfCalls } from "./outside.ts";
import { askPolicyHooks } from "./policy-hooks.ts";
import { servedSessions, sessionsInFiles, type RequesterSessions } from "./requester-session.ts";
import { fileTranscripts, servedTranscripts } from "./requester-transcript.ts";
import { sandboxRefusal } from "./sandbox.ts";
import { sendInTurn } from "./send.ts";
import { SessionStore } from "./sessions.ts";

export type GatewayHostOptions = {
  api: HostRuntime;
  /** OpenClaw's configuration as it is now. */
  raw(): HostConfig;
  stateDir: string;
  config: Config;
  engine: string;
  openclaw: OpenClawPackage;
  sdk: Sdk;
  busy: BusySessions;
  sends: ChannelSends;
  logger: Logger;
  stillToCome: DeliveryOptions["stillToCome"];
};

export type GatewayHost = {
  host: Host;
  /** Where children are shown; undefined: the gateway keeps its sessions itself. */
  sessions: SessionStore | undefined;
  requesters: RequesterSessions;
};

/** Call it where no request or tool call is under way. */
export function gatewayHost(options: GatewayHostOptions): GatewayHost {
  const { api, raw, config, engine, openclaw, sdk, busy, sends, logger, stillToCome } = options;
  const requesters = openclaw.sessionsInFiles ? sessionsInFiles(api, raw()) : servedSessions(api, raw());
  const search = openclaw.sessionsInFiles ? fileTranscripts(requesters) : servedTranscripts(api);
  const sessions =
    sdk.updateSessionStore === undefined ? undefined : new SessionStore(api, raw(), sdk.updateSessionStore);
  const timeoutMs = config.agents.defaults.subagents.announceTimeoutMs;
  const withRunner = engine === "openclaw";
  const deliver = deliverByTurn({
    runtime: api,
    busy,
    sends,
    search,
    sessions: requesters,
    logger,
    stillToCome,
    timeoutMs: timeoutMs * PATIENCE,
  });
  const host: Host = {
    deliver: (completions) => {
      settleLost(sessions, completions, logger);
      return deliver(completions);
    },
    alreadyDelivered: async (sessionKey, keys) => {
      const states = await search(sessionKey, keys);
      return keys.filter((key) => states.get(key) === "answered");
    },
    resolveModel: withRunner ? namedModels(config) : servedModels(api, raw, config),
    workspaceDir: (agentId) => api.agent.resolveAgentWorkspaceDir(raw(), agentId),
    sendTo: sendInTurn(api, raw, openclaw),
    refuseSpawn: (requester, agentId) => sandboxRefusal(raw(), engine, requester, agentId),
    ...(sessions === undefined
      ? {}
      : {
          transcriptPath: (agentId: string, sessionId: string) => sessions.transcriptPath(agentId, sessionId),
          sessionPutAway: (child: PutAwaySession) => sessions.remove(child),
          childStarting: (child: ChildContext) => startChild(sessions, child, withRunner, logger),
        }),
    // The host's runner asks the same hooks in its thread.
    ...(withRunner
      ? { engineContext: (child?: ChildContext) => engineContext(options, child) }
      : { beforeToolCall: askPolicyHooks(sdk) }),
  };
  return { host: outsideOfCalls(host), sessions, requesters };
}

type PutAwaySession = Parameters<SessionStore["remove"]>[0];

/** The host's runner reads the child's role from the store; ours reads nothing of it and needn't wait. */
async function startChild(sessions: SessionStore, child: ChildContext, wait: boolean, logger: Logger): Promise<void> {
  const registered = sessions.register(child);
  if (wait) return registered;
  registered.catch((error: unknown) => {
    logger.warn({ runId: child.runId }, `the child isn't in the gateway's list of sessions: ${String(error)}`);
  });
}

/** Runs that a gateway before this one left behind: nobody was there to write their end into the store. */
function settleLost(sessions: SessionStore | undefined, completions: readonly Completion[], logger: Logger): void {
  for (const completion of completions) {
    if (completion.outcome.status !== "interrupted") continue;
    sessions?.settle(completion).catch((error: unknown) => {
      logger.warn({ runId: completion.runId }, `the gateway's list of sessions doesn't show its end: ${String(error)}`);
    });
  }
}

/** The same for every run of an agent: the runner plans its list of models anew for each other configuration. */
function engineContext(
  { api, raw, config, openclaw, stateDir }: GatewayHostOptions,
  child?: ChildContext,
): OpenClawContext {
  const current = raw();
  const agentId = child?.agentId ?? config.agents.defaultAgentId;
  return {
    packageRoot: openclaw.root,
    config: current,
    stateDir,
    agentDir: api.agent.resolveAgentDir(current, agentId),
    workspaceDir: child?.workspaceDir ?? api.agent.resolveAgentWorkspaceDir(current, agentId),
  };
}

/** A turn may stand behind another one of the same session. */
const PATIENCE = 0.9;
