/** Frames of the gateway's protocol, and what may be asked with which scope: names as OpenClaw 2026.4.1's. */

import { z } from "zod";

export type RequestFrame = z.infer<typeof requestFrame>;

export type ErrorShape = { code: string; message: string; details?: Record<string, unknown> };

/** A method that can't be answered; the connection stays. */
export class MethodError extends Error {
  readonly code: string;

  constructor(message: string, code = "INVALID_REQUEST") {
    super(message);
    this.code = code;
  }
}

export const requestFrame = z.strictObject({
  type: z.literal("req"),
  id: z.string().min(1),
  method: z.string().min(1),
  params: z.record(z.string(), z.unknown()).optional(),
});

const text = z.string().min(1);

/** What may stand in the first request. Nothing else may. */
export const connectParams = z.strictObject({
  minProtocol: z.int().min(1),
  maxProtocol: z.int().min(1),
  client: z.strictObject({
    id: z.enum(["gateway-client", "cli", "openclaw-tui", "openclaw-probe", "node-host", "test"]),
    displayName: text.optional(),
    version: text,
    platform: text,
    deviceFamily: text.optional(),
    modelIdentifier: text.optional(),
    mode: z.enum(["backend", "cli", "ui", "node", "probe", "test", "webchat"]),
    instanceId: text.optional(),
  }),
  role: text.optional(),
  scopes: z.array(text).optional(),
  caps: z.array(text).optional(),
  commands: z.array(text).optional(),
  permissions: z.record(z.string(), z.boolean()).optional(),
  pathEnv: z.string().optional(),
  locale: z.string().optional(),
  userAgent: z.string().optional(),
  auth: z
    .strictObject({
      token: z.string().optional(),
      deviceToken: z.string().optional(),
      bootstrapToken: z.string().optional(),
      password: z.string().optional(),
    })
    .optional(),
  device: z
    .strictObject({ id: text, publicKey: text, signature: text, signedAt: z.int().min(0), nonce: z.string().min(1) })
    .optional(),
});

export type ConnectParams = z.infer<typeof connectParams>;

/** One line for a person: where, what. */
export function issuesOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `at ${path.join("/") || "root"}: ${message}`).join("; ");
}

/** @returns the scope that is missing for a method; undefined when it may be called */
export function missingScope(method: string, scopes: readonly string[]): string | undefined {
  if (scopes.includes(ADMIN)) return undefined;
  // Whatever nobody has named needs everything.
  const needed = METHOD_SCOPES[method] ?? ADMIN;
  return satisfies(needed, scopes) ? undefined : needed;
}

/** Whether a device that has `granted` may ask for all of `wanted`. */
export function allows(granted: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => satisfies(scope, granted));
}

function satisfies(scope: string, granted: readonly string[]): boolean {
  if (granted.includes(scope)) return true;
  if (granted.includes(ADMIN) && scope.startsWith("operator.")) return true;
  return scope === READ && granted.includes(WRITE);
}

export const PROTOCOL = 3;
export const MAX_PAYLOAD_BYTES = 26_214_400;
const ADMIN = "operator.admin";
const READ = "operator.read";
const WRITE = "operator.write";

export const METHOD_SCOPES: Record<string, string> = {
  health: READ,
  "sessions.list": READ,
  "chat.history": READ,
  agent: WRITE,
  "agent.wait": WRITE,
  "sessions.steer": WRITE,
  "sessions.abort": WRITE,
  "sessions.patch": ADMIN,
  "sessions.delete": ADMIN,
};
