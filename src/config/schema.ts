/**
 * OpenClaw's config dialect, as far as we read it.
 * `strict` objects are ours or listed in full by OpenClaw: an unknown key there is an error. `loose` ones hold more than we use.
 */

import { isAbsolute } from "node:path";
import { z } from "zod";
import {
  flag,
  list,
  loose,
  MAX_TIMER_MS,
  MAX_TIMER_SECONDS,
  modelChoice,
  oneOf,
  positive,
  price,
  record,
  strict,
  switchable,
  text,
  thinking,
  whole,
} from "./fields.ts";

export const PLUGIN_ID = "openclaw-inprocess";

/** 1 GiB: what one message can carry. */
const MAX_ATTACHED_BYTES = 1_073_741_824;

/** Our own section, at the top level or in the plugin's config. */
const ownSection = () =>
  strict({
    runtime: oneOf(["auto", "inprocess", "gateway"]).optional(),
    fallback: flag().optional(),
    engine: text()
      .refine(
        (value) =>
          ["auto", "pi", "openclaw"].includes(value) ||
          value.startsWith("file://") ||
          isAbsolute(value) ||
          /^~[/\\]/.test(value),
        {
          error:
            'must be "auto", "pi", "openclaw", or the absolute path or file URL of a module whose default export is an engine',
        },
      )
      .optional(),
    isolation: oneOf(["thread", "dedicated", "process"]).optional(),
    pool: strict({
      minThreads: whole(1, 64).optional(),
      maxThreads: whole(1, 64).optional(),
      runsPerThread: whole(1, 4096).optional(),
      idleTimeoutMs: whole(30_000, MAX_TIMER_MS, "milliseconds").optional(),
      maxQueue: whole(1, 1_000_000).optional(),
      heapMb: whole(64, 16_384, "MiB").optional(),
      nice: whole(0, 19).optional(),
    }).optional(),
    budget: strict({
      tokens: whole(1, Number.MAX_SAFE_INTEGER).optional(),
      usd: positive("US dollars").optional(),
      turns: whole(1, Number.MAX_SAFE_INTEGER).optional(),
      toolCalls: whole(1, Number.MAX_SAFE_INTEGER).optional(),
      wallSeconds: whole(1, MAX_TIMER_SECONDS, "seconds").optional(),
    }).optional(),
    grace: strict({
      abortMs: whole(0, 600_000, "milliseconds").optional(),
      terminateMs: whole(0, 600_000, "milliseconds").optional(),
    }).optional(),
    announce: strict({ mode: oneOf(["each", "together"]).optional() }).optional(),
  });

/** `agents.defaults.subagents` and an agent's own `subagents`, with the keys of OpenClaw 2026.4.1 and 2026.9.6. */
const subagentLimits = () =>
  strict({
    maxConcurrent: whole(1, 100_000).optional(),
    maxSpawnDepth: whole(1, 5).optional(),
    maxChildrenPerAgent: whole(1, 20).optional(),
    runTimeoutSeconds: whole(0, MAX_TIMER_SECONDS, "seconds, 0 = none").optional(),
    archiveAfterMinutes: whole(0, 5_256_000, "minutes, 0 = off").optional(),
    announceTimeoutMs: whole(1, MAX_TIMER_MS, "milliseconds").optional(),
    model: modelChoice().optional(),
    thinking: thinking().optional(),
    requireAgentId: flag().optional(),
    allowAgents: list(text(), "agent ids").optional(),
    delegationMode: oneOf(["suggest", "prefer"]).optional(),
  });

const execPolicy = () =>
  loose({
    security: text().optional(),
    ask: text().optional(),
    mode: text().optional(),
    timeoutSec: whole(1, MAX_TIMER_SECONDS, "seconds").optional(),
    timeoutSeconds: whole(1, MAX_TIMER_SECONDS, "seconds").optional(),
  });

const toolLists = {
  allow: list(text(), "tool names").optional(),
  alsoAllow: list(text(), "tool names").optional(),
  deny: list(text(), "tool names").optional(),
};

const swarm = switchable({
  maxConcurrent: whole(1, 1000).optional(),
  maxChildrenPerGroup: whole(1, 10_000).optional(),
  maxTotalPerGroup: whole(1, 100_000).optional(),
  waitTimeoutSecondsMax: whole(1, 86_400, "seconds").optional(),
  defaultAgentId: z.union([z.literal(""), text()], { error: "must be the id of an agent" }).optional(),
});

const attachments = strict({
  enabled: flag().optional(),
  maxTotalBytes: whole(0, MAX_ATTACHED_BYTES, "bytes").optional(),
  maxFiles: whole(0, 1000).optional(),
  maxFileBytes: whole(0, MAX_ATTACHED_BYTES, "bytes").optional(),
  retainOnSessionKeep: flag().optional(),
});

const toolPolicy = {
  ...toolLists,
  profile: text().optional(),
  exec: execPolicy().optional(),
  swarm: swarm.optional(),
};

const agent = {
  name: text().optional(),
  default: flag().optional(),
  model: modelChoice().optional(),
  workspace: text().optional(),
  thinkingDefault: thinking().optional(),
  subagents: subagentLimits().optional(),
  tools: loose(toolPolicy).optional(),
};

/** A text that may name environment variables, or OpenClaw's reference to a secret kept elsewhere. */
const secret = () =>
  z.union([text(), loose({ source: oneOf(["env", "file", "exec", "store"]), id: text() })], {
    error: 'must be a text or a reference such as { source: "env", provider: "default", id: "OPENAI_API_KEY" }',
  });

/** The same, and empty as OpenClaw takes it: as not set. */
const secretOrNone = () => z.union([z.literal(""), secret()], { error: "must be a text or a reference to a secret" });

const gateway = loose({
  mode: oneOf(["local", "remote"]).optional(),
  bind: oneOf(["loopback", "lan", "tailnet", "auto", "custom"]).optional(),
  customBindHost: text().optional(),
  port: whole(1, 65_535).optional(),
  auth: loose({
    mode: oneOf(["none", "token", "password", "trusted-proxy"]).optional(),
    token: secretOrNone().optional(),
    password: secretOrNone().optional(),
  }).optional(),
  tls: loose({ enabled: flag().optional(), certPath: text().optional() }).optional(),
  remote: loose({
    url: z.union([z.literal(""), text()]).optional(),
    token: secretOrNone().optional(),
    password: secretOrNone().optional(),
    tlsFingerprint: z.union([z.literal(""), text()]).optional(),
  }).optional(),
});

const providerModel = loose({
  id: text(),
  name: text().optional(),
  api: text().optional(),
  reasoning: flag().optional(),
  input: list(text(), "input kinds (text, image)").optional(),
  cost: loose({
    input: price(),
    output: price(),
    cacheRead: price().default(0),
    cacheWrite: price().default(0),
  }).optional(),
  contextWindow: whole(1, 1_000_000_000, "tokens").optional(),
  contextTokens: whole(1, 1_000_000_000, "tokens").optional(),
  maxTokens: whole(1, 1_000_000_000, "tokens").optional(),
  headers: record(secret()).optional(),
  compat: record(z.unknown()).optional(),
});

const provider = loose({
  baseUrl: text().optional(),
  apiKey: secret().optional(),
  api: text().optional(),
  authHeader: flag().optional(),
  headers: record(secret()).optional(),
  timeoutSeconds: whole(1, MAX_TIMER_SECONDS, "seconds").optional(),
  models: list(providerModel, "models").optional(),
});

export const configSchema = loose({
  subagents: ownSection().optional(),
  plugins: loose({
    entries: loose({
      [PLUGIN_ID]: loose({ config: strict({ subagents: ownSection().optional() }).optional() }).optional(),
    }).optional(),
  }).optional(),
  gateway: gateway.optional(),
  agents: loose({
    defaults: loose({
      model: modelChoice().optional(),
      models: record(loose({ alias: text().optional() })).optional(),
      workspace: text().optional(),
      thinkingDefault: thinking().optional(),
      timeoutSeconds: whole(0, Number.MAX_SAFE_INTEGER, "seconds").optional(),
      subagents: subagentLimits().optional(),
    }).optional(),
    list: list(loose({ id: text(), ...agent }), "agents").optional(),
    entries: record(loose(agent)).optional(),
  }).optional(),
  models: loose({
    mode: oneOf(["merge", "replace"]).optional(),
    providers: record(provider).optional(),
  }).optional(),
  tools: loose({
    ...toolPolicy,
    subagents: loose({ tools: strict(toolLists).optional() }).optional(),
    sessions_spawn: loose({ attachments: attachments.optional() }).optional(),
  }).optional(),
  env: loose({ vars: record(z.unknown()).optional() }).optional(),
});

export type RawConfig = z.output<typeof configSchema>;
export type RawOwnSection = z.output<ReturnType<typeof ownSection>>;
export type RawSubagentLimits = z.output<ReturnType<typeof subagentLimits>>;
export type RawToolPolicy = { [Key in keyof typeof toolPolicy]?: z.output<(typeof toolPolicy)[Key]> };
export type RawAgent = { [Key in keyof typeof agent]?: z.output<(typeof agent)[Key]> };
export type RawGateway = z.output<typeof gateway>;
export type RawProvider = z.output<typeof provider>;
export type RawExecPolicy = z.output<ReturnType<typeof execPolicy>>;
export type RawSwarm = z.output<typeof swarm>;
export type RawAttachments = z.output<typeof attachments>;
