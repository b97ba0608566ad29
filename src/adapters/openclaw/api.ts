/**
 * What of OpenClaw's plugin API this plugin uses, as 2026.4.1 and 2026.9.6 offer it (docs/plugins). Types only.
 * What only one of them has is optional.
 */

import type { Command } from "commander";
import type { ToolOutput } from "../../host.ts";

/** OpenClaw's own configuration. */
export type HostConfig = Record<string, unknown>;

export interface PluginLogger {
  debug?(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface PluginApi {
  /** The configuration as it was when the plugin was registered. */
  readonly config: HostConfig;
  readonly logger: PluginLogger;
  readonly runtime: HostRuntime;
  /** `full` in a gateway; others describe a plugin without starting it. */
  readonly registrationMode?: string;
  registerTool(factory: (context: ToolContext) => PluginTool[] | null, options: { names: string[] }): void;
  registerService(service: {
    id: string;
    start(context: ServiceContext): Promise<void>;
    stop(context: ServiceContext): Promise<void>;
  }): void;
  registerCli(
    registrar: (context: { program: Command; config: HostConfig }) => void | Promise<void>,
    options: { commands: string[]; descriptors?: { name: string; description: string; hasSubcommands: boolean }[] },
  ): void;
  on(
    hook: "before_tool_call",
    handler: (event: ToolCallEvent, context: ToolCallContext) => Promise<ToolCallDecision | undefined>,
    options?: { priority?: number; matcher?: string[] },
  ): void;
  on(
    hook: "before_prompt_build",
    handler: (event: unknown, context: TurnContext) => { appendSystemContext: string } | undefined,
  ): void;
  on(hook: "message_received", handler: (event: { content: string }) => void): void;
  on(hook: "message_sent", handler: (event: SentEvent, context: SentContext) => void): void;
}

/** `api.runtime`: only the one of a service's `start` keeps working in the background. */
export interface HostRuntime {
  readonly version: string;
  readonly config: { loadConfig?(): HostConfig; current?(): HostConfig };
  readonly state: { resolveStateDir(): string };
  readonly agent: {
    resolveAgentDir(config: HostConfig, agentId: string): string;
    resolveAgentWorkspaceDir(config: HostConfig, agentId: string): string;
    readonly session: {
      resolveStorePath(store: unknown, options: { agentId: string }): string;
      /** Where sessions aren't files. */
      getSessionEntry?(params: { agentId: string; sessionKey: string }): object | undefined;
    };
  };
  readonly subagent: {
    run(params: {
      sessionKey: string;
      message: string;
      deliver: boolean;
      idempotencyKey: string;
    }): Promise<{ runId: string }>;
    waitForRun(params: { runId: string; timeoutMs: number }): Promise<{ status: string; error?: string }>;
    getSessionMessages(params: { sessionKey: string; limit?: number }): Promise<{ messages: unknown[] }>;
  };
  readonly system: {
    enqueueSystemEvent(text: string, options: { sessionKey: string }): unknown;
    requestHeartbeatNow?(options: { reason: string; sessionKey: string }): void;
    requestHeartbeat?(options: Record<string, unknown>): void;
  };
  readonly events: { onAgentEvent(listener: (event: AgentEvent) => void): () => void };
  readonly logging?: { shouldLogVerbose?(): boolean };
  readonly modelAuth: {
    resolveApiKeyForProvider(params: {
      provider: string;
      cfg: HostConfig;
    }): Promise<{ apiKey?: string; mode?: string } | undefined>;
  };
}

export type AgentEvent = { runId: string; stream: string; data: Record<string, unknown>; sessionKey?: string };

export type ServiceContext = { config: HostConfig; stateDir: string };

export type ToolContext = {
  config?: HostConfig;
  agentId?: string;
  sessionKey?: string;
  workspaceDir?: string;
  sandboxed?: boolean;
};

export type TurnContext = { sessionKey?: string; runId?: string };

export type SentEvent = { to: string; success: boolean; error?: string; sessionKey?: string };

export type SentContext = { channelId: string; sessionKey?: string };

export type ToolCallEvent = { toolName: string; params: Record<string, unknown>; runId?: string; toolCallId?: string };

export type ToolCallContext = { agentId?: string; sessionKey?: string; runId?: string; toolCallId?: string };

/** A blocked call shows the model `blockReason` in place of its result. */
export type ToolCallDecision = { block: true; blockReason: string };

export type PluginTool = {
  name: string;
  label: string;
  description: string;
  parameters: Record<string, unknown>;
  /** `terminate` ends the turn, in 2026.9.6. */
  execute(toolCallId: string, args: unknown, signal?: AbortSignal): Promise<ToolOutput & { terminate?: boolean }>;
};
