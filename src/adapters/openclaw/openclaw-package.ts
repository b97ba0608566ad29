/** The OpenClaw around us: where its package is and what of it can be used, found by looking and not by its version. */

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { HostConfig } from "./api.ts";

export type OpenClawPackage = {
  /** Real path of its folder. */
  root: string;
  version: string;
  /** Why its agent runner can't be loaded in a thread, in words; absent when it can. */
  runnerMissing?: string;
  /** Sessions are files: `sessions.json` and one JSONL transcript each. Newer hosts keep them in SQLite. */
  sessionsInFiles: boolean;
};

/** @param script the file Node was started with. @returns undefined when that isn't an OpenClaw */
export function findOpenClaw(script: string | undefined): OpenClawPackage | undefined {
  for (const folder of foldersAbove(script)) {
    const found = packageAt(folder);
    if (found?.name === "openclaw") return describe(folder, found.version);
  }
  return undefined;
}

function* foldersAbove(script: string | undefined): Generator<string> {
  if (script === undefined) return;
  let folder: string;
  try {
    folder = dirname(realpathSync(script));
  } catch {
    return;
  }
  for (; ; folder = dirname(folder)) {
    yield folder;
    if (dirname(folder) === folder) return;
  }
}

function packageAt(folder: string): { name: string; version: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string; version: string };
  } catch {
    return undefined;
  }
}

function describe(root: string, version: string): OpenClawPackage {
  const runner = join(root, ...RUNNER);
  const offered = existsSync(runner) && readFileSync(runner, "utf8").includes("runEmbeddedPiAgent");
  return {
    root,
    version,
    // The runner that can be had and the store in files came and went together.
    sessionsInFiles: offered,
    ...(offered ? {} : { runnerMissing: `OpenClaw ${version} doesn't offer its agent runner to threads` }),
  };
}

/** What of its plugin SDK is used on the gateway's main thread; the same module instances the gateway has. */
export type Sdk = {
  hooks(): HookRunner | null;
  /** Absent where sessions aren't files. */
  updateSessionStore?: UpdateSessionStore;
};

export async function loadSdk({ root, sessionsInFiles }: OpenClawPackage): Promise<Sdk> {
  const load = (name: string): Promise<Record<string, unknown>> =>
    import(pathToFileURL(join(root, "dist", "plugin-sdk", `${name}.js`)).href) as Promise<Record<string, unknown>>;
  const { getGlobalHookRunner } = await load("plugin-runtime").catch(() => ({ getGlobalHookRunner: undefined }));
  const hooks =
    typeof getGlobalHookRunner === "function" ? (getGlobalHookRunner as () => HookRunner | null) : () => null;
  if (!sessionsInFiles) return { hooks };
  const { updateSessionStore } = await load("config-runtime");
  return { hooks, updateSessionStore: updateSessionStore as UpdateSessionStore };
}

/**
 * Whether a chat's message is one of those that stop a session, as OpenClaw has them. Its module is loaded at the first
 * question: who asks has heard a message, and the gateway has loaded what it answers one with.
 */
export function stopWords({ root }: OpenClawPackage): (text: string) => Promise<boolean> {
  let loaded: Promise<unknown> | undefined;
  return async (text) => {
    const url = pathToFileURL(join(root, "dist", "plugin-sdk", "reply-runtime.js")).href;
    const { isAbortRequestText } = (await (loaded ??= import(url))) as {
      isAbortRequestText?: (text: string) => boolean;
    };
    return isAbortRequestText?.(text) ?? false;
  };
}

/** Reads the store, lets `change` work on it, writes it back, all under its lock. */
export type UpdateSessionStore = (
  storePath: string,
  change: (store: Record<string, Record<string, unknown>>) => void,
) => Promise<unknown>;

/** OpenClaw's runner of plugin hooks, as far as it is used. */
export type HookRunner = {
  hasHooks(name: string): boolean;
  runBeforeToolCall(
    event: { toolName: string; params: Record<string, unknown>; runId: string; toolCallId: string },
    context: {
      agentId: string;
      sessionKey: string;
      sessionId: string;
      runId: string;
      toolName: string;
      toolCallId: string;
    },
  ): Promise<
    { block?: boolean; blockReason?: string; params?: Record<string, unknown>; requireApproval?: unknown } | undefined
  >;
  runSubagentSpawned(event: Record<string, unknown>, context: Record<string, unknown>): Promise<void>;
  runSubagentEnded(event: Record<string, unknown>, context: Record<string, unknown>): Promise<void>;
};

/** `session.store` of a configuration, for `resolveStorePath`. */
export function sessionStoreSetting(config: HostConfig): unknown {
  return (config["session"] as { store?: unknown } | undefined)?.store;
}

const RUNNER = ["dist", "extensionAPI.js"];
