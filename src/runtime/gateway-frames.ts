/** What travels on a gateway's WebSocket, protocol 3, checked as it comes in. What we don't read may be anything. */

import { z } from "zod";

export const PROTOCOL = 3;

/** What a gateway says when it refuses a call. `details.code` is the stable part. */
export type GatewayError = z.infer<typeof errorShape>;

/** A call that was answered: with what was asked for, or with a refusal. */
export type Answer = { ok: true; payload: unknown } | { ok: false; error: GatewayError };

export type Frame = z.infer<typeof frame>;

/** Undefined for what is no frame of this protocol. */
export function readFrame(text: string): Frame | undefined {
  try {
    const parsed = frame.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

export function requestFrame(id: string, method: string, params: unknown): string {
  return JSON.stringify({ type: "req", id, method, params });
}

const errorShape = z.object({
  code: z.string().catch("UNKNOWN"),
  message: z.string().catch("no reason given"),
  details: z
    .object({
      code: z.string().optional().catch(undefined),
      reason: z.string().optional().catch(undefined),
      requestId: z.string().optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** Node makes one millisecond of a longer one. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const frame = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("res"),
    id: z.string(),
    ok: z.boolean(),
    payload: z.unknown().optional(),
    error: errorShape.optional(),
  }),
  z.object({ type: z.literal("event"), event: z.string(), payload: z.unknown().optional() }),
]);

export const challenge = z.object({ nonce: z.string().min(1) });

export const helloOk = z.object({
  protocol: z.number(),
  server: z.object({ version: z.string() }).optional().catch(undefined),
  snapshot: z.object({ uptimeMs: z.number().nonnegative() }).optional().catch(undefined),
  auth: z
    .object({ deviceToken: z.string().min(1) })
    .optional()
    .catch(undefined),
  policy: z
    .object({
      tickIntervalMs: z
        .number()
        .positive()
        .transform((ms) => Math.min(ms, LONGEST_TIMER_MS)),
    })
    .optional()
    .catch(undefined),
});

/** `sessions.patch` */
export const patched = z.object({
  resolved: z
    .object({ modelProvider: z.string().optional(), model: z.string().optional() })
    .optional()
    .catch(undefined),
});

/** `agent` */
export const started = z.object({ runId: z.string().min(1), status: z.string().optional() });

/** `sessions.steer`: whether a turn was under way, which is over by now. One that waits in the gateway's lane isn't. */
export const steered = z.object({ interruptedActiveRun: z.boolean().optional().catch(undefined) });

/** `agent.wait`; `timeout` without an `endedAt` says that the run isn't over. Times are milliseconds since the epoch. */
export const waited = z.object({
  status: z.enum(["ok", "error", "timeout"]),
  startedAt: z.number().optional().catch(undefined),
  endedAt: z.number().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
});

/** `sessions.abort` */
export const aborted = z.object({ status: z.string().optional() });

const count = z.number().nonnegative().catch(0);

const message = z.looseObject({
  role: z.string(),
  content: z.unknown().optional(),
  provider: z.string().optional().catch(undefined),
  model: z.string().optional().catch(undefined),
  stopReason: z.string().optional().catch(undefined),
  usage: z
    .object({
      input: count,
      output: count,
      cacheRead: count,
      cacheWrite: count,
      totalTokens: count,
      cost: z.object({ total: count }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  /** The gateway put a note in the place of a message that was too large for it. */
  __openclaw: z.object({ truncated: z.boolean() }).optional().catch(undefined),
});

export type GatewayMessage = z.infer<typeof message>;

/** `chat.history` and `sessions.get` */
export const history = z.object({ messages: z.array(message) });

/** `sessions.list` */
export const sessions = z.object({
  sessions: z.array(
    z.object({
      key: z.string(),
      modelProvider: z.string().optional().catch(undefined),
      model: z.string().optional().catch(undefined),
      inputTokens: count,
      outputTokens: count,
      totalTokens: count,
      estimatedCostUsd: count,
      /** Of its last run: `running`, `done`, `failed`, `killed`, `timeout`; absent before the first begins. */
      status: z.string().optional().catch(undefined),
      startedAt: z.number().optional().catch(undefined),
      endedAt: z.number().optional().catch(undefined),
    }),
  ),
});

/** The event `agent`: what a run is doing. */
export const agentEvent = z.object({
  runId: z.string(),
  stream: z.string(),
  data: z.object({ phase: z.string().optional(), delta: z.string().optional() }),
});
