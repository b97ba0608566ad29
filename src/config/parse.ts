/** From any value to the settings a runtime needs. */

import type { Config, GatewayConfig, ProviderConfig } from "../config.ts";
import { ConfigError, type ConfigIssue } from "../errors.ts";
import { agentDefaults, agentList } from "./agents.ts";
import { issuesOf } from "./issues.ts";
import { nearMisses } from "./near-misses.ts";
import { ownSection } from "./own-section.ts";
import { configSchema, type RawConfig, type RawGateway, type RawProvider } from "./schema.ts";
import { attachmentLimits, swarmConfig } from "./spawn-tools.ts";
import { execAllowed, expandLists } from "./tool-lists.ts";

/**
 * Reads OpenClaw's config dialect, already loaded: sections we don't use are left alone, in those we do every default
 * is filled in and every range checked. Undefined or null stands for an empty config.
 * @throws ConfigError listing every path at fault
 */
export function parseConfig(raw: unknown): Config {
  const parsed = configSchema.safeParse(raw ?? {});
  const issues = [...nearMisses(raw), ...(parsed.success ? [] : issuesOf(parsed.error, configSchema))];
  if (!parsed.success) throw new ConfigError(issues);
  const config = resolved(parsed.data, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  return config;
}

function resolved(raw: RawConfig, issues: ConfigIssue[]): Config {
  const { gateway, models, tools } = raw;
  return {
    rules: "2026.9.6",
    subagents: ownSection(raw, issues),
    gateway: gatewayConfig(gateway ?? {}),
    agents: { defaults: agentDefaults(raw), ...agentList(raw, issues) },
    models: {
      mode: models?.mode ?? "merge",
      providers: Object.fromEntries(
        Object.entries(models?.providers ?? {}).map(([id, provider]) => [id.toLowerCase(), providerConfig(provider)]),
      ),
    },
    tools: {
      execAllowed: execAllowed(tools?.exec ?? {}),
      execTimeoutSeconds: tools?.exec?.timeoutSeconds ?? tools?.exec?.timeoutSec ?? 1800,
      subagents: expandLists(tools?.subagents?.tools ?? {}),
      sessions_spawn: { attachments: attachmentLimits(tools?.sessions_spawn?.attachments) },
      swarm: swarmConfig(tools?.swarm),
    },
    env: inlineEnv(raw.env ?? {}),
  };
}

function gatewayConfig({ mode, bind, customBindHost, port, auth, tls, remote }: RawGateway): GatewayConfig {
  const authMode = auth?.mode;
  const certPath = tls?.certPath;
  return {
    mode: mode ?? "local",
    bind: bind ?? "loopback",
    ...(customBindHost !== undefined && { customBindHost }),
    port: port ?? 18_789,
    auth: {
      ...(authMode !== undefined && { mode: authMode }),
      ...setOnes({ token: auth?.token, password: auth?.password }),
    },
    tls: { enabled: tls?.enabled ?? false, ...(certPath !== undefined && { certPath }) },
    remote: {
      ...setOnes({ token: remote?.token, password: remote?.password }),
      ...setOnes({ url: remote?.url, tlsFingerprint: remote?.tlsFingerprint }),
    },
  };
}

/** Without what is empty or absent. */
function setOnes<Key extends string, Value>(given: Record<Key, Value | undefined>): Partial<Record<Key, Value>> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(entries) as Partial<Record<Key, Value>>;
}

function providerConfig({
  baseUrl,
  apiKey,
  api,
  authHeader,
  headers,
  timeoutSeconds,
  models,
}: RawProvider): ProviderConfig {
  return {
    ...(baseUrl !== undefined && { baseUrl }),
    ...(apiKey !== undefined && { apiKey }),
    ...(api !== undefined && { api }),
    ...(authHeader !== undefined && { authHeader }),
    ...(headers !== undefined && { headers }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    models: (models ?? []).map((model) => model as ProviderConfig["models"][number]),
  };
}

/** `env.vars` and the variables written straight into `env`. */
function inlineEnv(env: Record<string, unknown>): Record<string, string> {
  const vars = typeof env["vars"] === "object" ? env["vars"] : {};
  return Object.fromEntries(
    Object.entries({ ...env, ...vars }).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
