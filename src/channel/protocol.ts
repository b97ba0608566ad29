/**
 * The wire between a run in its thread and the host: two unions, each message with a string `type`.
 * Values are plain structured-clone data; errors cross in their own form (wire-error.ts).
 */

import type { Cause } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import type { HostTool, ToolOutput, ToolVerdict } from "../host.ts";
import type { ResolvedModel, ThinkingLevel, Usage } from "../types.ts";
import type { WireError } from "./wire-error.ts";

/** What a thread is handed to execute one turn of a session: the prompt, and the transcript it goes on from. */
export type EngineTask = {
  runId: string;
  sessionId: string;
  sessionKey: string;
  agentId: string;
  /** `pi`, `openclaw`, or a file URL of a module exporting an `Engine` as default. */
  engine: string;
  /** From `Host.engineContext`, for the engine alone. */
  engineContext?: unknown;
  role: AgentRole;
  model: ResolvedModel;
  thinking?: ThinkingLevel;
  /** Absolute path; all file tools are confined to it. */
  workspaceDir: string;
  /** Absolute path of the workspace whose bootstrap files count; read by us alone. @default workspaceDir */
  bootstrapDir?: string;
  /** Their names. @default `AGENTS.md`; by the rules of OpenClaw 2026.4.1 `TOOLS.md` too */
  bootstrapFiles?: readonly string[];
  /** The workspace's bootstrap files are left out of the system prompt. */
  lightContext?: true;
  attachments?: AttachedFiles;
  /** Absolute path; made by the thread when it isn't there, gone on from when it is. */
  transcriptPath: string;
  /** What a transcript that has to be made begins with. */
  forkOf?: ForkSource;
  /** The user message that opens this turn; absent: the transcript is gone on from as it stands. */
  prompt?: string;
  /** Why the transcript is gone on from, when it is. */
  resume?: "children_settled" | "thread_lost" | "next_turn";
  /** Names of worker tools the run may use. */
  tools: string[];
  /** The spawn's own lists within what its requester had, for an engine that has tools of its own. */
  toolsAllow?: string[];
  toolsDeny?: string[];
  hostTools: Omit<HostTool, "execute">[];
  /** Ask the host before every call of a model or a tool: the run is under a budget. @default false */
  counted?: boolean;
  /** Ask the host's policy before every call. */
  askBeforeToolCall: boolean;
  /** Seconds without a byte from the model before a call counts as lost. */
  modelIdleTimeoutSeconds: number;
  execTimeoutSeconds: number;
  /** The whole environment of commands that `exec` starts. */
  execEnv: Record<string, string>;
  /** JSON Schema that the answer is to fit; at most 64 KiB. */
  outputSchema?: Record<string, unknown>;
};

/** Files put into the workspace for the session; the names are a model's. */
export type AttachedFiles = {
  /** Relative to the workspace, with `/`. */
  relDir: string;
  names: string[];
  totalBytes: number;
  /** Where the requester would have liked them. */
  mountPath?: string;
};

/** Another session's transcript as it stood once: the first `bytes` of the file. `path` is absolute. */
export type ForkSource = { path: string; bytes: number };

/** What the system prompt says of the session. */
export type AgentRole = {
  kind: "main" | "orchestrator" | "leaf";
  depth: number;
  maxDepth: number;
  requesterSessionKey?: string;
  label?: string;
};

/** How an engine's turn ended. A failure is data. */
export type EngineResult = {
  status: "ok" | "error" | "aborted";
  /** The last visible assistant text of this turn, whole. */
  text: string;
  /** The turn ended with a call that ends it (`ToolOutput.endsTurn`): `text` is no answer yet. */
  yielded?: true;
  cause?: Cause;
  usage: Usage;
  /** `provider/id` of the model that answered last. */
  model?: string;
  /** The answer in the form that was asked for, at most 256 KiB as JSON; or why there is none, in one sentence. */
  structured?: unknown;
  schemaError?: string;
};

/** Requests a run makes of the host, each tied to its reply's type. */
export type HostRequests = {
  tool: { params: { toolCallId: string; tool: string; args: unknown }; reply: ToolOutput };
  verdict: { params: { toolCallId: string; tool: string; args: unknown }; reply: ToolVerdict };
  refresh_model: { params: { model: string }; reply: ResolvedModel };
  /** Before a call of a model by a run under a budget; refused when that is used up. `usage`: of the turn so far. */
  model_call: {
    params: { usage: Usage };
    /** Tokens until a budget is used twice; absent: none limits them. */
    reply: { tokens?: number };
  };
  /** Tokens that an answer under way has taken so far, roughly; refused when a budget is used twice by now. */
  answering: { params: { tokens: number }; reply: void };
  /** The same before a call of a tool. */
  tool_call: { params: { tool: string }; reply: void };
};
export type HostRequestKind = keyof HostRequests;
export type HostRequest = { [K in HostRequestKind]: { kind: K } & HostRequests[K]["params"] }[HostRequestKind];

/** One log line of a thread, already redacted. */
export type LogLine = {
  level: "debug" | "info" | "warn" | "error";
  msg: string;
  fields?: Record<string, unknown>;
  time: number;
};

export type ToHost =
  /** The run has its thread. */
  | { type: "started"; threadId: number }
  /** What opens the turn is where the model reads it; not told of a session's first turn. */
  | { type: "opened" }
  /** A batch; each one costs a credit. */
  | { type: "events"; events: EngineEvent[] }
  | { type: "request"; id: number; request: HostRequest }
  /** The host need not answer request `id` any more. */
  | { type: "cancel"; id: number }
  /** An OS process a tool started (`alive`) or saw end, so that the host can end it when the thread can't. */
  | { type: "process"; pid: number; alive: boolean }
  | { type: "log"; lines: LogLine[] }
  /** So many more of the `steer` messages, in the order they came, have been put before the model. */
  | { type: "steered"; count: number }
  /** The thread's loop turns. */
  | { type: "pong" }
  /** Always the last message. */
  | { type: "finished"; result: EngineResult };

export type ToWorker =
  /** So many more batches may be sent. */
  | { type: "credit"; batches: number }
  /** Whether `text` and `thinking` are wanted. */
  | { type: "watch"; on: boolean }
  /** Put before the model at the next turn boundary. */
  | { type: "steer"; text: string }
  | { type: "abort"; cause: Cause }
  /** Answered with `pong` as soon as the thread's loop turns. */
  | { type: "ping" }
  | { type: "reply"; id: number; ok: true; value: unknown }
  | { type: "reply"; id: number; ok: false; error: WireError };
