/** Adding up what runs have used. */

import type { Usage } from "./types.ts";

export function noUsage(): Usage {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, totalTokens: 0, costUsd: 0, turns: 0, toolCalls: 0 };
}

export function addUsage(a: Usage, b: Usage): Usage {
  const sum = { ...a };
  for (const key of Object.keys(sum) as (keyof Usage)[]) sum[key] += b[key];
  return sum;
}

/** What somebody says was used: a number of at least 0; nonsense is as if nothing was told. */
export function told(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

export function toldUsage(usage: Usage): Usage {
  const clean = { ...usage };
  for (const key of Object.keys(clean) as (keyof Usage)[]) clean[key] = told(clean[key]);
  return clean;
}
