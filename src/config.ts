/** The settings a runtime needs, resolved once: every default filled in, every range checked. */

import type { Budget, Cost, Isolation, ThinkingLevel } from "./types.ts";

export { parseConfig } from "./config/parse.ts";

/** What `parseConfig` returns. Read-only from then on. */
export type Config = {
  /** Whose rules count where OpenClaw's versions differ. @default "2026.9.6"; inside OpenClaw the host's own */
  rules: "2026.4.1" | "2026.9.6";
  subagents: {
    /** @default "auto": in process on loopback installs, else the gateway's own path */
    runtime: "auto" | "inprocess" | "gateway";
    /** With `gateway`: run in process when pairing or the socket fails. @default true */
    fallback: boolean;
    /**
     * `pi`: ours · `openclaw`: the runner of the OpenClaw around us · an absolute path or file URL of a module whose
     * `default` export is an `Engine` · `auto`: `openclaw` where that runner can be had, else `pi`. @default "auto"
     */
    engine: string;
    /** @default "thread" */
    isolation: Isolation;
    pool: PoolConfig;
    /** A tree's default budget; absent keys are unlimited. */
    budget: Budget;
    grace: {
      /** Milliseconds an aborted run has to give its thread back by itself. @default 2000 (0–600000) */
      abortMs: number;
      /** Milliseconds after that before the thread is ended. @default 3000 (0–600000) */
      terminateMs: number;
    };
    announce: { mode: "each" | "together" };
  };
  gateway: GatewayConfig;
  agents: {
    defaults: AgentDefaults;
    /** Configured agents by id; `main` is always there. */
    list: Record<string, AgentConfig>;
    /** The agent a standalone main session runs as. */
    defaultAgentId: string;
  };
  models: {
    /** @default "merge": the built-in catalogue stays; `replace`: only `providers` */
    mode: "merge" | "replace";
    providers: Record<string, ProviderConfig>;
  };
  tools: {
    /** True only when `tools.exec` says security `full` and ask `off`: there is nobody here to ask. @default false */
    execAllowed: boolean;
    /** Seconds a command may run. @default 1800 */
    execTimeoutSeconds: number;
    /** `tools.subagents.tools`. */
    subagents: { allow?: string[]; alsoAllow?: string[]; deny?: string[] };
    sessions_spawn: { attachments: AttachmentLimits };
    /** Collectors; an agent may have settings of its own. */
    swarm: SwarmConfig;
  };
  /** Variables the config itself brings (`env`, and a `.env` beside it); used where the process has none of that name. */
  env: Record<string, string>;
};

/** As OpenClaw's: where its gateway listens, and what it wants of whoever connects. */
export type GatewayConfig = {
  /** `local` or `remote`. @default "local" */
  mode: string;
  /** @default "loopback" */
  bind: string;
  customBindHost?: string;
  /** @default 18789 (1–65535) */
  port: number;
  auth: {
    /** Absent: whichever secret there is. */
    mode?: "none" | "token" | "password" | "trusted-proxy";
    token?: Secret;
    password?: Secret;
  };
  tls: {
    /** @default false */
    enabled: boolean;
    /** The gateway's own certificate, PEM. @default where OpenClaw keeps the one it makes */
    certPath?: string;
  };
  /** With mode `remote`: the gateway to connect to. Its secrets stand in where a local gateway's aren't set. */
  remote: {
    /** `wss://…`, or `ws://` to this machine. */
    url?: string;
    token?: Secret;
    password?: Secret;
    /** SHA-256 of the certificate, hex. */
    tlsFingerprint?: string;
  };
};

export type PoolConfig = {
  /** Threads kept. @default maxThreads (1–maxThreads) */
  minThreads: number;
  /** @default min(4, cores) (1–64) */
  maxThreads: number;
  /** Runs one thread carries at once. @default 64 (1–4096) */
  runsPerThread: number;
  /** Milliseconds an idle thread above `minThreads` is kept. @default 60000 (≥ 30000) */
  idleTimeoutMs: number;
  /** Runs that may stand in the lane; one more is refused. @default 10000 (1–1000000) */
  maxQueue: number;
  /** Old-space cap of a thread in MiB; a hint to V8, no containment. Absent = V8's own. (64–16384) */
  heapMb?: number;
  /** Added to the threads' nice value where the system has one. @default 10 (0–19) */
  nice: number;
};

export type ModelChoice = { primary?: string; fallbacks: string[] };

export type SubagentLimits = {
  /** Runs that work at once, process-wide. @default 8 (≥ 1) */
  maxConcurrent: number;
  /** @default 2 standalone (1–5) */
  maxSpawnDepth: number;
  /** Active children of one session. @default 5 (1–20) */
  maxChildrenPerAgent: number;
  /** Seconds, 0 = none. @default 0 */
  runTimeoutSeconds: number;
  /** Minutes, 0 = off. @default 60 */
  archiveAfterMinutes: number;
  /** Milliseconds one delivery may take. @default 120000 */
  announceTimeoutMs: number;
  model?: ModelChoice;
  thinking?: ThinkingLevel;
  /** @default false */
  requireAgentId: boolean;
  allowAgents?: string[];
};

export type AgentDefaults = {
  model?: ModelChoice;
  /** Short names of models, lower case, to `provider/id`: `agents.defaults.models.*.alias`. */
  modelAliases: Record<string, string>;
  /** Absolute path. */
  workspace?: string;
  thinking?: ThinkingLevel;
  /** Seconds without a byte from the model before the call counts as lost. @default 120 */
  modelIdleTimeoutSeconds: number;
  subagents: SubagentLimits;
};

export type AgentConfig = {
  id: string;
  name?: string;
  model?: ModelChoice;
  workspace?: string;
  thinking?: ThinkingLevel;
  subagents: { allowAgents?: string[]; model?: ModelChoice; thinking?: ThinkingLevel; requireAgentId?: boolean };
  /** `swarm` in full, where the agent sets any of it. */
  tools: { allow?: string[]; deny?: string[]; swarm?: SwarmConfig };
};

/** Of the attachments of one spawn. */
export type AttachmentLimits = {
  /** @default false */
  enabled: boolean;
  /** @default 5242880 (0–1073741824) */
  maxTotalBytes: number;
  /** @default 50 (0–1000); a spawn takes 50 at most */
  maxFiles: number;
  /** @default 1048576 (0–1073741824) */
  maxFileBytes: number;
  /** Also after the end of a child that is kept. @default false */
  retainOnSessionKeep: boolean;
};

/** Of one group of collectors: children whose results are fetched and not announced. */
export type SwarmConfig = {
  /** @default true */
  enabled: boolean;
  /** At work at once. @default 8 (1–1000) */
  maxConcurrent: number;
  /** Not ended yet. @default 50 (1–10000) */
  maxChildrenPerGroup: number;
  /** Ever. @default 200 (1–100000) */
  maxTotalPerGroup: number;
  /** The most that one `agents_wait` may ask for. @default 600 (1–86400) */
  waitTimeoutSecondsMax: number;
  /** @default the requester's agent */
  defaultAgentId?: string;
};

export type ProviderConfig = {
  baseUrl?: string;
  /** The key, the name of the environment variable that holds it, or a reference. Read when a model is first used. */
  apiKey?: Secret;
  api?: string;
  /** Send the key as `Authorization: Bearer`, whatever the protocol usually does. */
  authHeader?: boolean;
  headers?: Record<string, Secret>;
  /** Seconds its models may be silent before a call counts as lost. @default AgentDefaults.modelIdleTimeoutSeconds */
  timeoutSeconds?: number;
  models: ProviderModelConfig[];
};

/** A text that may hold `${VAR}`, or OpenClaw's reference to a secret kept elsewhere; only `env` can be resolved here. */
export type Secret = string | { source: "env" | "file" | "exec" | "store"; id: string };

export type ProviderModelConfig = {
  id: string;
  name?: string;
  api?: string;
  reasoning?: boolean;
  input?: string[];
  cost?: Cost;
  contextWindow?: number;
  /** A cap on what is really sent, below `contextWindow`. */
  contextTokens?: number;
  maxTokens?: number;
  headers?: Record<string, Secret>;
  compat?: Record<string, unknown>;
};
