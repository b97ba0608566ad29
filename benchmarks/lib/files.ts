/** A benchmark by its name, and what all of them have figures of. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Benchmark, Pace } from "./benchmark.ts";
import { NAMES } from "./names.ts";

export function fileOf(name: string): string {
  return join(import.meta.dirname, "..", `${name}.ts`);
}

export async function load(name: string, pace: Pace): Promise<Benchmark> {
  const file = (await import(pathToFileURL(fileOf(name)).href)) as { benchmark: (pace: Pace) => Benchmark };
  return file.benchmark(pace);
}

export async function knownMetrics(): Promise<Set<string>> {
  const benchmarks = await Promise.all(NAMES.map((name) => load(name, { quick: false })));
  return new Set(benchmarks.flatMap(({ figures }) => figures.map(({ metric }) => metric)));
}
