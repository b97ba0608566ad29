/** The shapes of starting a child: who asks, for what, and what it is answered. Types only; part of types.ts. */

import type { Cause } from "./errors.ts";

export type ThinkingLevel = "off" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

/** Who calls: the session a spawn is made for, and what may be assumed of it. */
export type Requester = {
  sessionKey: string;
  agentId: string;
  /** 0 for a main session. @default 0, or what the registry knows of the session */
  depth?: number;
  workspaceDir?: string;
  sandboxed?: boolean;
  /** Names of the tools the requester has; a child never gets more. */
  tools?: string[];
  /** The model active in the requester's turn, `provider/id`. */
  model?: string;
  /** The requester's transcript, source of a fork. */
  transcriptPath?: string;
  turnId?: string;
};

/** What `sessions_spawn` takes; names as OpenClaw's. */
export type SpawnParams = {
  /** What the child is to do; not empty, at most 256 KiB. */
  task: string;
  /** Shown in lists and in the completion. */
  label?: string;
  /** The agent that runs the child. @default the requester's own */
  agentId?: string;
  /** `provider/id`, or an id of the default provider. */
  model?: string;
  thinking?: ThinkingLevel;
  /** A folder inside the child's workspace, taken as its workspace. */
  cwd?: string;
  /** Seconds, floored; 0 = none. @default agents.defaults.subagents.runTimeoutSeconds */
  runTimeoutSeconds?: number;
  /** @default "run"; `session` needs a host that can bind threads */
  mode?: "run" | "session";
  /** `delete` renames the transcript right after the announce. @default "keep" */
  cleanup?: "delete" | "keep";
  /** @default true; false: settled without an announce */
  expectsCompletionMessage?: boolean;
  /** Narrow the child's tools; names, intersected with what it would have had. */
  toolsAllow?: string[];
  toolsDeny?: string[];
  /** May only tighten what the config says. @default "thread" */
  isolation?: Isolation;
};

/** `thread`: shares a thread with other runs · `dedicated`: a thread of its own · `process`: not in this version. */
export type Isolation = "thread" | "dedicated" | "process";

export type SpawnResult =
  | {
      status: "accepted";
      childSessionKey: string;
      runId: string;
      mode: "run" | "session";
      /** Told to the requester's model: results come by themselves, don't poll. */
      note: string;
      runtime: "inprocess" | "gateway";
      isolation: Isolation;
      resolvedModel: string;
      resolvedProvider: string;
      modelApplied: boolean;
      expectsCompletionMessage: boolean;
      /** Runs ahead of this one in the lane, when it can't start at once. */
      queuePosition?: number;
    }
  | { status: "forbidden"; code: Cause["code"]; error: string }
  | { status: "error"; code: Cause["code"]; error: string; childSessionKey?: string; runId?: string };
