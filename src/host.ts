/** What a gateway gives us: the only thing an embedder writes. */

import type { Completion, ResolvedModel, Usage } from "./types.ts";

/** A child as its host sees it. */
export type ChildContext = {
  runId: string;
  sessionKey: string;
  requesterSessionKey: string;
  agentId: string;
  depth: number;
  workspaceDir: string;
  label?: string;
};

/** Text for the model, and whether the call failed. */
export type ToolOutput = { content: { type: "text"; text: string }[]; details?: unknown; isError?: boolean };

/** A tool that runs on the host and is offered to the child over the channel. It takes the place of a worker tool of the same name. */
export type HostTool = {
  name: string;
  label?: string;
  description: string;
  /** JSON Schema (draft 7) of the arguments. */
  parameters: Record<string, unknown>;
  execute(toolCallId: string, args: unknown, signal: AbortSignal): Promise<ToolOutput>;
};

/** A call a child is about to make. */
export type ToolCall = { child: ChildContext; toolCallId: string; tool: string; args: unknown };

export type ToolVerdict = { allow: true } | { allow: false; reason: string };

export type SessionFilter = { agentId?: string; limit?: number };
export type SessionView = { sessionKey: string; agentId: string; label?: string; updatedAt?: number; usage?: Usage };

export interface Host {
  /**
   * Hands completions to one requester's session. At least once, told apart by `completion.key`.
   * `busy`: asked again later, with what has come since · `gone`: there is no such session any more.
   * A rejection counts as a failed attempt and is tried again with a growing delay.
   */
  deliver(completions: Completion[]): Promise<"delivered" | "busy" | "gone">;
  /**
   * Of these completion keys, those that stand in the requester's transcript already. Asked before a delivery is
   * repeated, also after a restart; a host that can't look may see a completion twice.
   */
  alreadyDelivered?(requesterSessionKey: string, keys: string[]): Promise<string[]>;
  /** Rejects with a `model_unusable` error whose sentence says what to do. Asked again with `refresh` on a 401. */
  resolveModel(
    ref: string | undefined,
    agentId: string,
    options?: { refresh?: boolean; signal?: AbortSignal },
  ): Promise<ResolvedModel>;
  /** Absolute path of the agent's workspace. */
  workspaceDir(agentId: string): string;
  hostTools?(child: ChildContext): HostTool[];
  /** The gateway's own tool policy, asked over the channel before every call of a child. */
  beforeToolCall?(call: ToolCall): Promise<ToolVerdict>;
  /** Channels with threads, for mode `session`. */
  bindThread?(child: ChildContext): Promise<boolean>;
  sendTo?(sessionKey: string, message: string): Promise<void>;
  listSessions?(filter: SessionFilter): Promise<SessionView[]>;
}
