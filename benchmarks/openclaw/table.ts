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

/** Between the markers of `benchmarks/README.md` and of the front page. */
export async function writeTables(raw: Record<string, Samples[]>, machine: Machine): Promise<void> {
  const { cpu, cores, memoryGb, platform, node, load } = machine;
  const rounds = Math.min(...Object.values(raw).map(({ length }) => length));
  const about = `${cpu}, ${cores} cores, ${memoryGb} GB, ${platform}, Node ${node} (2026.9.6 on Node 24.21), load ${load} at the start; ${rounds} round${rounds === 1 ? "" : "s"}.`;
  const table = `${about}\n\n${tableOf(raw)}`;
  for (const file of [join(ROOT, "benchmarks", "README.md"), join(ROOT, "README.md")]) await writeInto(file, table);
}

async function writeInto(file: string, table: string): Promise<void> {
  const text = readFileSync(file, "utf8");
  const [start, end] = [text.indexOf(START) + START.length, text.indexOf(END)];
  if (start < START.length || end < start) throw new Error(`${file} must hold the lines ${START} and ${END}.`);
  const whole = `${text.slice(0, start)}\n\n${table}\n\n${text.slice(end)}`;
  writeFileSync(file, await format(whole, { parser: "markdown", printWidth: 120 }));
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

/** Goals stand in brackets, of the engine `pi` and of the engine `openclaw` where they differ. */
const QUESTIONS: { what: string; metrics: string[]; take: Take }[] = [
  { what: "floor: round trip of a tool that does nothing", metrics: ["floor"], take: "p50" },
  { what: "accepted, over the floor: n=1 / last of 5 (3 / 8)", metrics: ["n1.accepted", "n5.accepted"], take: "p50" },
  { what: "of that: five calls that do nothing instead of one", metrics: ["n5.callsAlone"], take: "p50" },
  {
    what: "child's first model request: n=1 / last of 5 / last of 16 (15 / 40 / 100; half of the core's)",
    metrics: ["n1.firstRequest", "n5.firstRequest", "n16.firstRequest"],
    take: "p50",
  },
  {
    what: "longest gateway stall: a turn without children / 1 / 5 children × 200 KB in 64 B pieces (25; 40)",
    metrics: ["stall.0", "stall.1", "stall.5"],
    take: "max",
  },
  { what: "a sibling's delay while one child streams 200 KB (25; 1000)", metrics: ["sibling.delay"], take: "p50" },
  { what: "gateway main-thread CPU of a child, its announce turn included", metrics: ["n1.mainCpu"], take: "mean" },
  { what: "the same without an announce turn (15; 60)", metrics: ["n1.mainCpuQuiet"], take: "mean" },
];

const ROOT = join(import.meta.dirname, "..", "..");
const START = "<!-- openclaw: written by npm run bench:openclaw -->";
const END = "<!-- /openclaw -->";
