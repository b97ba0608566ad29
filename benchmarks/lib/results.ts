/** What the last run of each benchmark measured, kept as one small JSON file a benchmark. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure, Samples } from "./benchmark.ts";
import type { Machine } from "./machine.ts";
import { median, percentile, rounded } from "./statistics.ts";

export type Result = {
  name: string;
  question: string;
  command: string;
  machine: Machine;
  lines: Line[];
  /** Raw values of each metric, one list a process; long lists are thinned to evenly spaced values of their order. */
  raw: Record<string, number[][]>;
};

/** A figure and what was measured: the median over processes, and the 95th percentile of all values. */
export type Line = Omit<Figure, "take" | "quickWhat"> & { measured: number; p95: number };

export function toResult(
  about: Pick<Result, "name" | "question" | "command" | "machine">,
  figures: readonly Figure[],
  runs: readonly Samples[],
): Result {
  const metrics = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  const valuesOf = (metric: string): number[][] => runs.flatMap((run) => (run[metric] ? [run[metric]] : []));
  const lines = figures.map(({ take, quickWhat: _unkept, ...figure }): Line => {
    const values = valuesOf(figure.metric);
    if (values.length === 0) throw new Error(`No variant of ${about.name} measured "${figure.metric}".`);
    const each = values.map((run) => (take === "max" ? Math.max(...run) : median(run)));
    return { ...figure, measured: rounded(median(each)), p95: rounded(percentile(values.flat(), 0.95)) };
  });
  return { ...about, lines, raw: Object.fromEntries(metrics.map((metric) => [metric, valuesOf(metric).map(thinned)])) };
}

export function writeResult(result: Result): void {
  mkdirSync(FOLDER, { recursive: true });
  // One line a metric: small, and a change shows where it happened.
  const { raw, ...rest } = result;
  const metrics = Object.entries(raw).map(([metric, runs]) => `    ${JSON.stringify(metric)}: ${JSON.stringify(runs)}`);
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, "");
  writeFileSync(fileOf(result.name), `${head},\n  "raw": {\n${metrics.join(",\n")}\n  }\n}\n`);
}

export function readResult(name: string): Result | undefined {
  return existsSync(fileOf(name)) ? (JSON.parse(readFileSync(fileOf(name), "utf8")) as Result) : undefined;
}

function thinned(values: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b).map(rounded);
  if (sorted.length <= KEPT) return sorted;
  return Array.from({ length: KEPT }, (_, n) => sorted[Math.round((n * (sorted.length - 1)) / (KEPT - 1))]!);
}

function fileOf(name: string): string {
  return join(FOLDER, `${name}.json`);
}

const FOLDER = join(import.meta.dirname, "..", "results");
const KEPT = 30;
