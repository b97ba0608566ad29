/** The runner of an installed OpenClaw, and what is needed beside it, loaded by URL once for each thread. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InprocessError, messageOf } from "../../../errors.ts";

/** What of OpenClaw is used. Names and shapes are its published interface (2026.4.x). */
export type Runner = {
  runEmbeddedPiAgent(params: Record<string, unknown>): Promise<RunnerResult>;
  setRuntimeConfigSnapshot(config: Record<string, unknown>, source?: Record<string, unknown>): void;
  readConfigFileSnapshotForWrite(): Promise<{ snapshot?: ConfigFile }>;
};

/** The user's file as it was written, includes and variables resolved, no default filled in. */
export type ConfigFile = { sourceConfig?: Record<string, unknown>; resolved?: Record<string, unknown> };

export type RunnerResult = {
  payloads?: { text?: string; isError?: boolean; isReasoning?: boolean }[];
  meta: {
    agentMeta?: { provider?: string; model?: string; usage?: RunnerUsage; promptTokens?: number };
    aborted?: boolean;
    error?: { kind?: string; message?: string };
    stopReason?: string;
  };
};

export type RunnerUsage = { input?: number; output?: number; cacheRead?: number; cacheWrite?: number; total?: number };

/** @throws InprocessError `engine_failed` when that OpenClaw has no such runner, or it can't be loaded here */
export function openRunner(packageRoot: string): Promise<Runner> {
  const known = runners.get(packageRoot);
  if (known !== undefined) return known;
  const opening = load(packageRoot);
  runners.set(packageRoot, opening);
  // Tried again by the next run: what was missing may be there by then.
  opening.catch(() => runners.delete(packageRoot));
  return opening;
}

async function load(packageRoot: string): Promise<Runner> {
  try {
    const api = await importFile(packageRoot, "extensionAPI.js");
    const config = await importFile(packageRoot, "plugin-sdk", "config-runtime.js");
    return {
      runEmbeddedPiAgent: exported(api, "runEmbeddedPiAgent"),
      setRuntimeConfigSnapshot: exported(config, "setRuntimeConfigSnapshot"),
      readConfigFileSnapshotForWrite: exported(config, "readConfigFileSnapshotForWrite"),
    };
  } catch (error) {
    throw new InprocessError(
      "engine_failed",
      `OpenClaw's runner in ${packageRoot} can't be loaded: ${messageOf(error)}. Set subagents.engine to "pi".`,
      { cause: error },
    );
  }
}

async function importFile(packageRoot: string, ...path: string[]): Promise<Record<string, unknown>> {
  return (await import(pathToFileURL(join(packageRoot, "dist", ...path)).href)) as Record<string, unknown>;
}

function exported<K extends keyof Runner>(module: Record<string, unknown>, name: K): Runner[K] {
  if (typeof module[name] !== "function") throw new Error(`it exports no ${name}`);
  return module[name] as Runner[K];
}

const runners = new Map<string, Promise<Runner>>();
