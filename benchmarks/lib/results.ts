/** What the last run of each benchmark measured, kept as one JSON file a benchmark. */

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
  /** Hash of what was measured. */
  build: string;
  /** UTC, when it began: `2026-11-23`. */
  day: string;
  /** Fresh processes for each variant. */
  rounds: number;
  lines: Line[];
  metrics: Record<string, Metric>;
};

/** A figure and what was measured: the median over processes, and the 95th percentile of all values. */
export type Line = Omit<Figure, "take"> & { measured: number; p95: number };

/**
 * `p50`: the median over processes of each one's median · `p95`: of all values · `raw`: one list a process, in the order
 * in which they were measured. All figures come from them as they are kept, so that they can be told again.
 */
export type Metric = { p50: number; p95: number; raw: number[][] };

export function toResult(
  about: Omit<Result, "lines" | "metrics">,
  figures: readonly Figure[],
  runs: readonly Samples[],
): Result {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  const valuesOf = (metric: string): number[][] => runs.flatMap((run) => (run[metric] ? [run[metric].map(kept)] : []));
  const lines = figures.map(({ take, ...figure }): Line => {
    const values = valuesOf(figure.metric);
    if (values.length === 0) throw new Error(`No variant of ${about.name} measured "${figure.metric}".`);
    const { p50, p95 } = summary(values, take);
    return { ...figure, measured: p50, p95 };
  });
  const metrics = names.map((name) => {
    const values = valuesOf(name);
    return [name, { ...summary(values), raw: values }] as const;
  });
  return { ...about, lines, metrics: Object.fromEntries(metrics) };
}

export function writeResult(result: Result): void {
  mkdirSync(RESULTS, { recursive: true });
  // One line a metric: small, and a change shows where it happened.
  const { metrics, ...rest } = result;
  const lines = Object.entries(metrics).map(
    ([name, metric]) => `    ${JSON.stringify(name)}: ${JSON.stringify(metric)}`,
  );
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, "");
  writeFileSync(jsonOf(result.name), `${head},\n  "metrics": {\n${lines.join(",\n")}\n  }\n}\n`);
}

export function readResult(name: string): Result | undefined {
  return existsSync(jsonOf(name)) ? (JSON.parse(readFileSync(jsonOf(name), "utf8")) as Result) : undefined;
}

export function writePlot(name: string, svg: string): void {
  writeFileSync(join(RESULTS, `${name}.svg`), svg);
}

function summary(values: number[][], take?: Figure["take"]): { p50: number; p95: number } {
  const each = values.map((run) => (take === "max" ? Math.max(...run) : median(run)));
  return { p50: rounded(median(each)), p95: rounded(percentile(values.flat(), 0.95)) };
}

/** One digit more than is shown. */
function kept(value: number): number {
  return Number(value.toPrecision(4));
}

function jsonOf(name: string): string {
  return join(RESULTS, `${name}.json`);
}

const RESULTS = join(import.meta.dirname, "..", "results");
