/** The shapes of working with children that run: telling, ending, reading, sending. Types only; part of types.ts. */

import type { Cause } from "./errors.ts";

/** What `kill` and `steer` answer. */
export type ControlResult = KillResult | SteerResult;

/** A child as a control result names it; `label` is the beginning of its task when it was given none. */
export type Controlled = { runId: string; sessionKey: string; label: string };

export type ControlRefusal = { status: "error" | "forbidden"; code: Cause["code"]; error: string; text: string };

/** `done`: it had ended already. Of several children (`all`) the first is named. */
export type KillResult =
  | (Controlled & {
      status: "ok" | "done";
      /** Runs ended below those that were named. */
      cascadeKilled: number;
      cascadeLabels: string[];
      /** For `all`: how many were ended, those below included. */
      killed?: number;
      labels?: string[];
      text: string;
    })
  | ControlRefusal;

/**
 * `inject`: the message reaches the model at its next turn boundary, nothing is lost · `restart`: the turn was ended, or
 * had ended before in a session that stays, and another begins in it under the run id given here.
 */
export type SteerResult =
  | (Controlled & { status: "accepted"; mode: "inject" | "restart"; text: string })
  /** It had ended already and doesn't stay: nothing was sent. */
  | (Controlled & { status: "done"; text: string })
  /** At most one message every 2 s from one session to one child. */
  | (Controlled & { status: "rate_limited"; code: Cause["code"]; error: string; text: string })
  | ControlRefusal;

export type SteerOptions = {
  /** End the turn under way and begin another with the message. @default false */
  interrupt?: boolean;
};

export type HistoryOptions = {
  /** Messages, the newest ones. @default 100 (1–1000) */
  limit?: number;
  /** So many of the newest messages are passed over. @default 0 */
  offset?: number;
  /** Also tool calls and their results. @default false */
  includeTools?: boolean;
  /** At most so much JSON. @default 81920 (1024–81920) */
  maxBytes?: number;
};

/** A session's messages, oldest first, cut for a model's eyes: 4,000 characters a text block, secrets taken out. */
export type History = {
  sessionKey: string;
  messages: HistoryMessage[];
  /** Something that was asked for isn't there: older messages, or the rest of a text. */
  truncated: boolean;
  /** Older messages were left out for their size; `nextOffset` reaches them. */
  droppedMessages: boolean;
  contentTruncated: boolean;
  contentRedacted: boolean;
  /** Of `messages` as JSON. */
  bytes: number;
  /** Where older messages begin; absent when there are none. Counted from the newest, so it moves as the session goes on. */
  nextOffset?: number;
};

/** `role` is `user`, `assistant` or `toolResult`. */
export type HistoryMessage = {
  role: string;
  content: HistoryBlock[];
  timestamp?: number;
  /** Of a `toolResult`. */
  toolName?: string;
  toolCallId?: string;
  isError?: boolean;
};

export type HistoryBlock =
  | { type: "text"; text: string }
  /** `arguments` as JSON, cut like a text. */
  | { type: "toolCall"; id: string; name: string; arguments: string }
  | { type: "image"; omitted: true };

/** A message to a session: by its key, or a child of the sender's by its label. */
export type SendParams = {
  sessionKey?: string;
  label?: string;
  /** With a label: only a session of this agent. */
  agentId?: string;
  /** Not empty; to a child at most 4,000 characters. */
  message: string;
  /** Seconds a reply is waited for, 0 = not at all; a child of the sender's is never waited for. @default 30 */
  timeoutSeconds?: number;
};

/** `ok`: with its reply · `timeout`: sent, no reply in time · `accepted`: sent. */
export type SendResult =
  | {
      status: "accepted" | "ok" | "timeout";
      runId: string;
      sessionKey: string;
      /** `inject`: put before the child's model, at its next turn boundary or in a new run · `host`: handed to the gateway. */
      delivery: { status: "pending" | "delivered"; mode: "inject" | "host" };
      reply?: string;
    }
  | { status: "error" | "forbidden"; code: Cause["code"]; error: string; sessionKey?: string };

/** What the requester's agent may spawn; its own first. */
export type AgentsView = {
  requester: string;
  allowAny: boolean;
  agents: { id: string; name?: string; configured: boolean; model?: string }[];
};
