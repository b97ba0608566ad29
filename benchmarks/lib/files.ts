/** A benchmark by its name. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Benchmark, Pace } from "./benchmark.ts";

export function fileOf(name: string): string {
  return join(import.meta.dirname, "..", `${name}.ts`);
}

export async function load(name: string, pace: Pace): Promise<Benchmark> {
  const file = (await import(pathToFileURL(fileOf(name)).href)) as { benchmark: (pace: Pace) => Benchmark };
  return file.benchmark(pace);
}
