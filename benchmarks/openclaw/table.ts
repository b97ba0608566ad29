/** The measured gateways side by side. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type { Samples } from "../lib/benchmark.ts";
import type { Machine } from "../lib/machine.ts";
import { median, rounded } from "../lib/statistics.ts";

/** A row a question, a column a gateway; the median over rounds of what each round's samples come to. */
export function tableOf(raw: Record<string, Samples[]>): string {
  const names = Object.keys(raw);
  const rows = QUESTIONS.map(({ what, metrics, take }) => {
    const cells = names.map((name) =>
      metrics.map((metric) => show(raw[name]!.flatMap((samples) => middle(samples[metric] ?? [], take)))).join(" / "),
    );
    return [what, ...cells];
  });
  return [["what, ms", ...names], names.concat("").map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}

/** Between the markers of `benchmarks/README.md`. */
export async function writeTable(raw: Record<string, Samples[]>, machine: Machine): Promise<void> {
  const text = readFileSync(README, "utf8");
  const [start, end] = [text.indexOf(START) + START.length, text.indexOf(END)];
  if (start < START.length || end < start)
    throw new Error(`benchmarks/README.md must hold the lines ${START} and ${END}.`);
  const { cpu, cores, memoryGb, platform, node, load } = machine;
  const about = `${cpu}, ${cores} cores, ${memoryGb} GB, ${platform}, Node ${node} (2026.9.6 on Node 24.21), load ${load} at the start.`;
  const whole = `${text.slice(0, start)}\n\n${about}\n\n${tableOf(raw)}\n\n${text.slice(end)}`;
  writeFileSync(README, await format(whole, { parser: "markdown", printWidth: 120 }));
}

function middle(values: readonly number[], take: Take): number[] {
  if (values.length === 0) return [];
  if (take === "mean") return [values.reduce((sum, value) => sum + value, 0) / values.length];
  return [take === "max" ? Math.max(...values) : median(values)];
}

function show(values: readonly number[]): string {
  return values.length === 0 ? "–" : String(rounded(median(values)));
}

/** Processor time is told in steps of 10 ms, so only its mean says anything. */
type Take = "p50" | "max" | "mean";

const QUESTIONS: { what: string; metrics: string[]; take: Take }[] = [
  { what: "floor: round trip of a tool that does nothing", metrics: ["floor"], take: "p50" },
  { what: "accepted, over the floor: n=1 / last of 5", metrics: ["n1.accepted", "n5.accepted"], take: "p50" },
  { what: "of that: five calls that do nothing instead of one", metrics: ["n5.callsAlone"], take: "p50" },
  {
    what: "child's first model request: n=1 / last of 5 / last of 16",
    metrics: ["n1.firstRequest", "n5.firstRequest", "n16.firstRequest"],
    take: "p50",
  },
  {
    what: "longest gateway stall: 1 / 5 children × 200 KB in 64 B pieces",
    metrics: ["stall.1", "stall.5"],
    take: "max",
  },
  { what: "a sibling's delay while one child streams 200 KB", metrics: ["sibling.delay"], take: "p50" },
  { what: "gateway main-thread CPU of a child, its announce turn included", metrics: ["n1.mainCpu"], take: "mean" },
  { what: "the same without an announce turn", metrics: ["n1.mainCpuQuiet"], take: "mean" },
];

const README = join(import.meta.dirname, "..", "README.md");
const START = "<!-- openclaw: written by npm run bench:openclaw -->";
const END = "<!-- /openclaw -->";
