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
  /**
   * Names of all the tools the requester has, those to work with subagents included: a child never gets another. Not
   * asked of a child of ours, for its run says what it has. @default not known, no limit from there
   */
  tools?: string[];
  /** The model active in the requester's turn, `provider/id`. */
  model?: string;
  /** The requester's transcript, source of a fork. */
  transcriptPath?: string;
  /** Names the requester's turn: its children belong together, and a call made twice in it is one. */
  turnId?: string;
};

/** What `sessions_spawn` takes; names as OpenClaw's. What a runtime hasn't built is refused by name (`Capability`). */
export type SpawnParams = {
  /** What the child is to do; not empty, at most 256 KiB. */
  task: string;
  /** Shown in lists and in the completion. */
  label?: string;
  /** A handle to name the child by: `[a-z][a-z0-9_-]{0,63}`, not `last` or `all`. */
  taskName?: string;
  /** The agent that runs the child. @default the requester's own */
  agentId?: string;
  /** `provider/id`, or an id of the default provider. */
  model?: string;
  thinking?: ThinkingLevel;
  /** A folder inside the child's workspace, taken as its workspace. */
  cwd?: string;
  /** Seconds, floored; 0 = none. @default agents.defaults.subagents.runTimeoutSeconds */
  runTimeoutSeconds?: number;
  /** Binds the child to a thread of the requester's channel; `error` when it has none. @default false */
  thread?: boolean;
  /**
   * `session` needs `thread`, and stays when it has answered: a message to it (`send`, `steer`) is another run in the
   * same session, until it is killed. @default "session" with `thread`, else "run"
   */
  mode?: SpawnMode;
  /** `delete` renames the transcript right after the announce; `session` keeps it. @default "keep" */
  cleanup?: "delete" | "keep";
  /** `require`: refused unless the child would work in a sandbox. @default "inherit" */
  sandbox?: "inherit" | "require";
  /** `fork`: the child begins with the requester's transcript; only for the requester's own agent. @default "isolated" */
  context?: SpawnContext;
  /** The child begins without the workspace's bootstrap files. @default false */
  lightContext?: boolean;
  /** At most 50 files put into the child's workspace. */
  attachments?: Attachment[];
  attachAs?: { mountPath?: string };
  /** @default true; false: settled without an announce */
  expectsCompletionMessage?: boolean;
  /** `parent`: the result is for the requester's model alone and goes to no channel. Only for runs that are announced. */
  completionTarget?: "parent";
  /** The result is fetched (`agents_wait`), never announced. @default false */
  collect?: boolean;
  /** JSON Schema of the answer. Needs `collect`. */
  outputSchema?: Record<string, unknown>;
  /** The batch it belongs to, at most 128 characters. Needs `collect`. @default what its requester's turn collects */
  groupId?: string;
  /**
   * Narrow the child's tools; names, patterns with `*` and groups, intersected with what it would have had. At most 256
   * in each list, each of 1 to 128 characters.
   */
  toolsAllow?: string[];
  toolsDeny?: string[];
  /** What the child and all below it may use; of a child that stays (`session`), all its runs together. */
  budget?: Budget;
  /** May only tighten what the config says. @default "thread" */
  isolation?: Isolation;
};

export type SpawnMode = "run" | "session";
export type SpawnContext = "isolated" | "fork";

/** `name` is a file's name, no path. `content` is read as `encoding` says. */
export type Attachment = { name: string; content: string; encoding?: "utf8" | "base64"; mimeType?: string };

/**
 * Limits of a run and all below it, within those of all above it. Nothing is set aside: they are upper limits. A session
 * that stays has one budget for all its runs, over restarts, too; the time it is idle for doesn't count.
 */
export type Budget = {
  /** Input, output and cache, whole and above 0. */
  tokens?: number;
  /**
   * US dollars, above 0. A spawn's is refused where no prices are known of the model or a fallback; under a tree's the
   * run goes on without being counted, and `BudgetUse.unpriced` says so. Prices of 0 are known ones.
   */
  usd?: number;
  /** Model calls, whole and above 0. */
  turns?: number;
  /** Whole and above 0. */
  toolCalls?: number;
  /** Since it was opened, waiting for slots and for children included; above 0, at most 2147483. */
  wallSeconds?: number;
};

/** `thread`: shares a thread with other runs · `dedicated`: a thread of its own · `process`: not in this version. */
export type Isolation = "thread" | "dedicated" | "process";

export type SpawnResult =
  | {
      status: "accepted";
      childSessionKey: string;
      runId: string;
      mode: SpawnMode;
      context: SpawnContext;
      taskName?: string;
      /** Told to the requester's model: results come by themselves, don't poll. */
      note: string;
      runtime: "inprocess" | "gateway";
      isolation: Isolation;
      resolvedModel: string;
      resolvedProvider: string;
      modelApplied: boolean;
      expectsCompletionMessage: boolean;
      attachments?: AttachmentsReceipt;
      /** Turns that must end before this run's first, when it can't start at once; runs spawned later may pass it. */
      queuePosition?: number;
    }
  | { status: "forbidden"; code: Cause["code"]; error: string }
  | { status: "error"; code: Cause["code"]; error: string; childSessionKey?: string; runId?: string };

/** What was put into the child's workspace. `bytes` as written; `relDir` is relative to the workspace, with `/`. */
export type AttachmentsReceipt = {
  count: number;
  totalBytes: number;
  files: { name: string; bytes: number; sha256: string }[];
  relDir: string;
};
