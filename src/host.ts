/** What a gateway gives us: the only thing an embedder writes. */

import type { Completion, Requester, ResolvedModel, Usage } from "./types.ts";

/** A child as its host sees it. */
export type ChildContext = {
  runId: string;
  sessionKey: string;
  requesterSessionKey: string;
  agentId: string;
  depth: number;
  role: "orchestrator" | "leaf";
  workspaceDir: string;
  /** Name of the transcript in the session store of a gateway. */
  sessionId: string;
  /** Absolute path. */
  transcriptPath: string;
  task: string;
  label?: string;
  /** `provider/id` as it was chosen for the child. */
  model?: string;
};

/** Text for the model, and whether the call failed. */
export type ToolOutput = {
  content: { type: "text"; text: string }[];
  details?: unknown;
  isError?: boolean;
  /**
   * The turn is over once every call of the same answer has returned; an engine with a loop of its own may go on when
   * others of them don't say so. @default false
   */
  endsTurn?: boolean;
};

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

/** `args` takes the place of the call's own. */
export type ToolVerdict = { allow: true; args?: unknown } | { allow: false; reason: string };

export type SessionFilter = { agentId?: string; limit?: number };
export type SessionView = { sessionKey: string; agentId: string; label?: string; updatedAt?: number; usage?: Usage };

/**
 * What a message between sessions is: `message`, sent by a session's model · `reply`, the other's last answer, in an
 * exchange that goes on by itself · `announce`, the question what of it is to be told in the session's channel.
 */
export type SendStep = "message" | "reply" | "announce";

/** `from`: the sender's session key · `timeoutMs`: how long a reply is waited for, 0 = not at all. */
export type SendOptions = { from: string; timeoutMs: number; signal?: AbortSignal; step?: SendStep };
export type SendReply = { reply?: string; runId?: string };

export interface Host {
  /**
   * Hands completions to one requester's session. At least once, told apart by `completion.key`. What its model is told
   * of them, and what it is to do with them, is made by `announcement(completions, stillRunning)`.
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
  /**
   * Why this session may not start a child of that agent, in a sentence for its model; undefined when it may. Asked at
   * every spawn that the configuration's own limits allow.
   */
  refuseSpawn?(requester: Requester, agentId: string): string | undefined;
  /**
   * Tools of the host's own for this child. Offered are those that the config's lists and the spawn's let through and
   * that the requester has; never those that OpenClaw keeps from subagents (`gateway`, `cron`, `message`, …), nor, to a
   * child that may have no children, any that are named like those for working with them (`subagents`, …).
   */
  hostTools?(child: ChildContext): HostTool[];
  /** The gateway's own tool policy, asked over the channel before every call of a child. */
  beforeToolCall?(call: ToolCall): Promise<ToolVerdict>;
  /** Where a child's transcript is written, absolute. @default the state folder's `transcripts/<agentId>/<sessionId>.jsonl` */
  transcriptPath?(agentId: string, sessionId: string): string;
  /**
   * A child's transcript was put away (`cleanup: "delete"`, or `archiveAfterMinutes`): what the host shows of its session
   * goes too. May be called more than once. A rejection is logged, and where transcripts are put away in time it is
   * asked again.
   */
  sessionPutAway?(child: Pick<ChildContext, "sessionKey" | "agentId" | "sessionId">): Promise<void>;
  /** A child is about to take its first turn; the turn waits. A rejection settles the run `error`. */
  childStarting?(child: ChildContext): Promise<void>;
  /**
   * What the host's own engine must be told of a child, handed to it as `EngineTask.engineContext`; structured-clone
   * data. Asked without a child for the run that warms a thread up.
   */
  engineContext?(child?: ChildContext): unknown;
  /**
   * Binds a thread of the requester's channel to a child, which is let in afterwards (`thread`, mode `session`); false:
   * this requester has no channel with threads. A host without it has no capability `session`. What a person writes in
   * the thread the host hands on with `runtime.send`, as the child's requester.
   */
  bindThread?(child: ChildContext): Promise<boolean>;
  /**
   * The thread is the child's no longer: the spawn came to nothing after all, the session was ended, or the run of mode
   * `run` is over. Not told of for such a run when its process crashes.
   */
  unbindThread?(child: ChildContext): Promise<void>;
  /**
   * Puts a message from one session to another of the host's own, and waits so long for its answer. Resolves without a
   * reply when there was none in time, or when `timeoutMs` is 0; rejects when there is no such session or it may not
   * be reached from there. After an answer the two sessions go on by themselves for at most five turns, each told the
   * other's last answer this way (`step` `reply`), until one answers only `REPLY_SKIP` or nothing.
   */
  sendTo?(sessionKey: string, message: string, options: SendOptions): Promise<SendReply | void>;
  /**
   * Sends words of a session of the host's own to its channel. With it, the session that was written to is asked after
   * such an exchange what to tell there (`step` `announce`), and answers only `ANNOUNCE_SKIP` for nothing.
   */
  announceIn?(sessionKey: string, text: string): Promise<void>;
  /** Sessions of the host's own, newest first; ours needn't be among them. */
  listSessions?(filter: SessionFilter): Promise<SessionView[]>;
}
