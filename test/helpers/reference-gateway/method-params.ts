/** What each method takes, and nothing else: as strict as OpenClaw 2026.4.1. */

import { z } from "zod";

const text = z.string().min(1);
const count = z.int().min(1);
const maybe = z.string().optional();

export const AGENT = z.strictObject({
  message: text,
  idempotencyKey: text,
  sessionKey: maybe,
  agentId: text.optional(),
  label: text.max(512).optional(),
  /** Seconds. */
  timeout: z.int().min(0).optional(),
  provider: maybe,
  model: maybe,
  thinking: maybe,
  lane: maybe,
  extraSystemPrompt: maybe,
  sessionId: maybe,
  deliver: z.boolean().optional(),
  bestEffortDeliver: z.boolean().optional(),
  to: maybe,
  replyTo: maybe,
  channel: maybe,
  replyChannel: maybe,
  accountId: maybe,
  replyAccountId: maybe,
  threadId: maybe,
  groupId: maybe,
  groupChannel: maybe,
  groupSpace: maybe,
  attachments: z.array(z.unknown()).optional(),
  internalEvents: z.array(z.unknown()).optional(),
  inputProvenance: z.unknown().optional(),
});
export type AgentParams = z.infer<typeof AGENT>;

export const WAIT = z.strictObject({ runId: text, timeoutMs: z.int().min(0).optional() });
export type WaitParams = z.infer<typeof WAIT>;

export const HISTORY = z.strictObject({
  sessionKey: text,
  limit: count.max(1000).optional(),
  maxChars: count.max(500_000).optional(),
});
export type HistoryParams = z.infer<typeof HISTORY>;

export const PATCH = z.strictObject({
  key: text,
  label: text.max(512).nullish(),
  model: text.nullish(),
  thinkingLevel: text.nullish(),
  verboseLevel: text.nullish(),
  reasoningLevel: text.nullish(),
  spawnedBy: text.nullish(),
  spawnedWorkspaceDir: text.nullish(),
  spawnDepth: z.int().min(0).nullish(),
  subagentRole: z.enum(["orchestrator", "leaf"]).nullish(),
  subagentControlScope: z.enum(["children", "none"]).nullish(),
});
export type PatchParams = z.infer<typeof PATCH>;

export const LIST = z.strictObject({
  limit: count.optional(),
  activeMinutes: count.optional(),
  includeGlobal: z.boolean().optional(),
  includeUnknown: z.boolean().optional(),
  includeDerivedTitles: z.boolean().optional(),
  includeLastMessage: z.boolean().optional(),
  label: maybe,
  spawnedBy: text.optional(),
  agentId: text.optional(),
  search: maybe,
});
export type ListParams = z.infer<typeof LIST>;

export const DELETE = z.strictObject({
  key: text,
  deleteTranscript: z.boolean().optional(),
  emitLifecycleHooks: z.boolean().optional(),
});
export type DeleteParams = z.infer<typeof DELETE>;

export const ABORT = z.strictObject({ key: text, runId: text.optional() });
export type AbortParams = z.infer<typeof ABORT>;

export const STEER = z.strictObject({
  key: text,
  message: z.string(),
  thinking: maybe,
  attachments: z.array(z.unknown()).optional(),
  timeoutMs: z.int().min(0).optional(),
  idempotencyKey: text.optional(),
});
export type SteerParams = z.infer<typeof STEER>;
