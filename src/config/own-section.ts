/** Our own section: the plugin's config over the top level's, defaults under both. */

import { availableParallelism, homedir } from "node:os";
import type { Config, PoolConfig } from "../config.ts";
import type { ConfigIssue } from "../errors.ts";
import { PLUGIN_ID, type RawConfig, type RawOwnSection } from "./schema.ts";

export function ownSection(raw: RawConfig, issues: ConfigIssue[]): Config["subagents"] {
  const top = raw.subagents ?? {};
  const plugin = raw.plugins?.entries?.[PLUGIN_ID]?.config?.subagents ?? {};
  const own: RawOwnSection = {
    ...top,
    ...plugin,
    pool: { ...top.pool, ...plugin.pool },
    budget: { ...top.budget, ...plugin.budget },
    grace: { ...top.grace, ...plugin.grace },
    announce: { ...top.announce, ...plugin.announce },
  };
  return {
    runtime: own.runtime ?? "auto",
    fallback: own.fallback ?? true,
    engine: own.engine?.replace(/^~(?=[/\\])/, () => homedir()) ?? "auto",
    isolation: own.isolation ?? "thread",
    pool: poolOf(own.pool ?? {}, plugin.pool?.minThreads === undefined ? "subagents" : PLUGIN_PATH, issues),
    budget: own.budget ?? {},
    grace: { abortMs: own.grace?.abortMs ?? 2000, terminateMs: own.grace?.terminateMs ?? 3000 },
    announce: { mode: own.announce?.mode ?? "each" },
  };
}

function poolOf(pool: NonNullable<RawOwnSection["pool"]>, section: string, issues: ConfigIssue[]): PoolConfig {
  const maxThreads = pool.maxThreads ?? Math.min(4, availableParallelism());
  const minThreads = pool.minThreads ?? maxThreads;
  if (minThreads > maxThreads) {
    const whence = pool.maxThreads === undefined ? "maxThreads, which is min(4, cores) when not set" : "maxThreads";
    issues.push({
      path: `${section}.pool.minThreads`,
      message: `must be at most ${maxThreads} (${whence}), not ${minThreads}; lower it or raise maxThreads`,
    });
  }
  return {
    minThreads,
    maxThreads,
    runsPerThread: pool.runsPerThread ?? 64,
    idleTimeoutMs: pool.idleTimeoutMs ?? 60_000,
    maxQueue: pool.maxQueue ?? 10_000,
    ...(pool.heapMb !== undefined && { heapMb: pool.heapMb }),
    nice: pool.nice ?? 10,
  };
}

const PLUGIN_PATH = `plugins.entries.${PLUGIN_ID}.config.subagents`;
