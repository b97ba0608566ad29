/** Our settings out of OpenClaw's configuration: its own keys are read where they stand, ours in the plugin's entry. */

import { parseConfig, type Config } from "../../config.ts";
import { PLUGIN_ID } from "../../config/schema.ts";
import { ConfigError } from "../../errors.ts";
import type { HostConfig } from "./api.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";

export type Settings = {
  config: Config;
  /** What OpenClaw's own sections hold that we can't read and went on without; a sentence each. */
  passedOver: string[];
};

/**
 * Where the host leaves a limit open, its own default counts and not ours.
 * @throws ConfigError for faults in the plugin's entry
 */
export function readSettings(raw: HostConfig, host: Pick<OpenClawPackage, "sessionsInFiles">): Settings {
  const filled = withDefaults(raw, host);
  try {
    return { config: parseConfig(filled), passedOver: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const ours = error.issues.filter(({ path }) => path.startsWith(OWN_PATH));
    if (ours.length > 0) throw new ConfigError(ours);
    // OpenClaw has accepted its own sections: what we don't understand in them is newer than we are.
    for (const { path } of error.issues) remove(filled, path);
    return {
      config: parseConfig(filled),
      passedOver: error.issues.map(({ path, message }) => `${path} ${message}`),
    };
  }
}

function withDefaults(raw: HostConfig, host: Pick<OpenClawPackage, "sessionsInFiles">): HostConfig {
  const config = structuredClone(raw);
  const limits = sub(config, "agents", "defaults", "subagents");
  // Defaults of 2026.4.1 and of 2026.9.6.
  limits["maxSpawnDepth"] ??= host.sessionsInFiles ? 1 : 5;
  limits["announceTimeoutMs"] ??= host.sessionsInFiles ? 90_000 : 120_000;
  // Inside a gateway a thread that nobody needs yet isn't worth its memory.
  sub(config, "plugins", "entries", PLUGIN_ID, "config", "subagents", "pool")["minThreads"] ??= 1;
  return config;
}

/** The object at a path, made on the way; a copy of nothing when something else stands there, for `parseConfig` to refuse. */
function sub(root: Record<string, unknown>, ...path: string[]): Record<string, unknown> {
  let at = root;
  for (const name of path) {
    at[name] ??= {};
    const next = at[name];
    if (typeof next !== "object" || next === null || Array.isArray(next)) return {};
    at = next as Record<string, unknown>;
  }
  return at;
}

function remove(root: Record<string, unknown>, path: string): void {
  const names = path.split(/[.[\]]+/).filter((name) => name !== "");
  const last = names.pop();
  let at: unknown = root;
  for (const name of names) at = (at as Record<string, unknown> | undefined)?.[name];
  if (last !== undefined && typeof at === "object" && at !== null) delete (at as Record<string, unknown>)[last];
}

const OWN_PATH = `plugins.entries.${PLUGIN_ID}`;
