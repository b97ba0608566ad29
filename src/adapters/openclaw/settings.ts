/** Our settings out of OpenClaw's configuration: its own keys are read where they stand, ours in the plugin's entry. */

import { parseConfig, type Config } from "../../config.ts";
import { PLUGIN_ID } from "../../config/schema.ts";
import { ConfigError, isConfigError } from "../../errors.ts";
import type { HostConfig } from "./api.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";

export type Settings = {
  config: Config;
  /** What OpenClaw's own sections hold that we can't read and went on without; a sentence each. */
  passedOver: string[];
};

/**
 * Where the host leaves a limit open, its own default counts and not ours; and so do its rules.
 * @throws ConfigError for faults in the plugin's entry
 */
export function readSettings(raw: HostConfig, host: Pick<OpenClawPackage, "sessionsInFiles">): Settings {
  const filled = withDefaults(raw, host);
  const passedOver: string[] = [];
  for (;;) {
    try {
      return { config: { ...parseConfig(filled), rules: host.sessionsInFiles ? "2026.4.1" : "2026.9.6" }, passedOver };
    } catch (error) {
      if (!isConfigError(error)) throw error;
      const ours = error.issues.filter(({ path }) => path.startsWith(OWN_PATH));
      if (ours.length > 0) throw new ConfigError(ours);
      // OpenClaw has accepted its own sections: what we don't understand in them is newer than we are.
      const removed = error.issues.filter(({ path }) => takeOut(filled, path));
      if (removed.length === 0) throw error;
      passedOver.push(...removed.map(({ path, message }) => `${path} ${message}`));
    }
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

/**
 * Takes out what stands at a path or, when nothing does, what should have held it.
 * @returns false when the path leads nowhere at all
 */
function takeOut(root: unknown, path: string): boolean {
  if (typeof root !== "object" || root === null) return false;
  const key = keyAtStart(root, path);
  if (key === undefined) return false;
  const rest = path.slice(key.length).replace(/^(\]|\[|\.)+/, "");
  const at = root as Record<string, unknown>;
  if (rest !== "" && takeOut(at[key], rest)) return true;
  if (Array.isArray(root)) root.splice(Number(key), 1);
  else delete at[key];
  return true;
}

/** The longest key the path begins with: a model's or provider's name may have dots in it. */
function keyAtStart(root: object, path: string): string | undefined {
  return Object.keys(root)
    .filter((key) => path === key || [".", "[", "]"].some((end) => path.startsWith(key + end)))
    .sort((a, b) => b.length - a.length)[0];
}

const OWN_PATH = `plugins.entries.${PLUGIN_ID}`;

/**
 * Takes over what the host changed while it runs (models, agents, policies); limits of what is running already, and our
 * own section, are those of the start. A change that can't be read leaves everything as it was.
 */
export function followChanges(
  config: Config,
  read: () => HostConfig,
  host: Pick<OpenClawPackage, "sessionsInFiles">,
): () => void {
  let seen = read();
  let seenText = JSON.stringify(seen);
  return () => {
    const now = read();
    if (now === seen) return;
    seen = now;
    const text = JSON.stringify(now);
    if (text === seenText) return;
    seenText = text;
    try {
      const fresh = readSettings(now, host).config;
      Object.assign(config.agents, fresh.agents);
      Object.assign(config.models, fresh.models);
      Object.assign(config.tools, fresh.tools);
    } catch {
      // Said above; the doctor tells what is wrong.
    }
  };
}
