/** The measured gateways side by side. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type { LinePanel, Plot, Samples } from "../lib/benchmark.ts";
import { shownMachine } from "../lib/machine.ts";
import { plotSvg } from "../lib/plot.ts";
import { writePlot, type Result } from "../lib/results.ts";
import { median, percentile, rounded } from "../lib/statistics.ts";
import { changesOfBuild, keptResults, wholeRounds, type Results, type Sitting } from "./results.ts";
import { VERSIONS, type Version } from "./variants.ts";

/**
 * A row a question, a column a gateway; the median over rounds of what each round's samples come to, and in brackets the
 * 95th percentile of all samples where there are enough to speak of one.
 */
export function tableOf(raw: Record<string, Samples[]>): string {
  const names = Object.keys(raw);
  const rows = QUESTIONS.map(({ what, metrics, take }) => {
    const cells = names.map((name) =>
      metrics
        .map((metric) =>
          show(
            raw[name]!.map((samples) => samples[metric] ?? []),
            take,
          ),
        )
        .join(" / "),
    );
    return [what, ...cells];
  });
  return [["what, ms", ...names], names.concat("").map(() => "---"), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}

/** Of all that was measured: the plots, and what stands between the markers of `benchmarks/README.md` and the front page. */
export async function writeTables(): Promise<void> {
  const measured = VERSIONS.map((version) => ({ version, results: keptResults(version) }));
  const parts = measured.filter(({ results }) => wholeRounds(results.raw) > 0);
  for (const { version, results } of parts) {
    const { raw } = results;
    writePlot(`openclaw-${version}`, plotSvg(plotOf(titleOf(version), Object.keys(raw)), metricsOf(raw)));
  }
  const tables = parts.map(({ version, results }) => [aboutOf(version, results), tableOf(results.raw)].join("\n\n"));
  const plots = parts.map(({ version }) => `![${titleOf(version)}](results/openclaw-${version}.svg)`);
  await writeInto(join(ROOT, "README.md"), tables.join("\n\n"));
  const both = tables.map((table, place) => `${table}\n\n${plots[place]}`);
  await writeInto(join(ROOT, "benchmarks", "README.md"), both.join("\n\n"));
}

function titleOf(version: Version): string {
  return `Inside OpenClaw ${version}: the core and the plugin`;
}

function aboutOf(version: Version, { raw, sittings, failed }: Results): string {
  const rounds = wholeRounds(raw);
  const loads = sittings.map(({ load }) => load).join(" and ");
  const machine = `${shownMachine(sittings.at(-1)!)}${version === "2026.9.6" ? " (OpenClaw on 24.21)" : ""}`;
  const about = `**OpenClaw ${version}**, ${machine}, load ${loads} at the start; ${rounds} round${rounds === 1 ? "" : "s"}.`;
  return about + buildsOf(sittings) + failuresOf(failed);
}

function buildsOf(sittings: readonly Sitting[]): string {
  const changes = changesOfBuild(sittings);
  return changes.length === 0 ? "" : ` The plugin was built anew before round ${changes.join(" and ")}.`;
}

function failuresOf(failed: readonly string[]): string {
  const names = failed.map((each) => each.slice(0, each.indexOf(":")));
  const counts = [...new Set(names)].map((name) => `${name} (${names.filter((each) => each === name).length}×)`);
  return counts.length === 0 ? "" : ` Failed in a round, which was begun again: ${counts.join(", ")}.`;
}

/** The questions that are asked of several numbers of children. */
function plotOf(title: string, names: readonly string[]): Plot {
  const panel = (what: string, metric: string): LinePanel => ({
    kind: "lines",
    title: what,
    x: { label: "children called at once", values: SIZES, log: true },
    y: { label: "ms, median", log: true },
    series: names.map((name) => ({ name, metrics: SIZES.map((size) => `${name}.n${size}.${metric}`) })),
  });
  return {
    title,
    panels: [panel("Call → accepted, over the floor", "accepted"), panel("Call → first request", "firstRequest")],
  };
}

function metricsOf(raw: Record<string, Samples[]>): Result["metrics"] {
  const cells = Object.entries(raw).flatMap(([name, rounds]) =>
    SIZES.flatMap((size) =>
      ["accepted", "firstRequest"].map((metric) => [name, `n${size}.${metric}`, rounds] as const),
    ),
  );
  return Object.fromEntries(
    cells.flatMap(([name, metric, rounds]) => {
      const values = rounds.flatMap((samples) => samples[metric] ?? []);
      // A logarithm has no place for a call that took no longer than the floor.
      const p50 = Math.max(median(values), 0.1);
      return values.length === 0 ? [] : [[`${name}.${metric}`, { p50, p95: percentile(values, 0.95), raw: [values] }]];
    }),
  );
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
  return [take === "max" ? Math.max(...values) : median(values)];
}

function show(rounds: readonly number[][], take: Take): string {
  const all = rounds.flat();
  if (all.length === 0) return "–";
  if (take === "mean") return String(rounded(all.reduce((sum, value) => sum + value, 0) / all.length));
  if (take === "share") return String(rounded((100 * all.reduce((sum, value) => sum + value, 0)) / all.length));
  const values = rounds.flatMap((samples) => middle(samples, take));
  const spread = take === "max" ? values : all;
  const p95 = spread.length >= ENOUGH ? ` (${rounded(percentile(spread, 0.95))})` : "";
  return `${rounded(median(values))}${p95}`;
}

/** Processor time is told in steps of 10 ms, so only its mean says anything. */
type Take = "p50" | "max" | "mean" | "share";

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
  { what: "an unrelated request, a turn without children: p50 / p99", metrics: ["wait50.0", "wait99.0"], take: "max" },
  {
    what: "from the call to the handover, 1 child: p50 / p99",
    metrics: ["wait50.1", "wait99.1"],
    take: "max",
  },
  { what: "5 children: p50 / p99", metrics: ["wait50.5", "wait99.5"], take: "max" },
  {
    what: "longest stall in a gateway's first six seconds, its own start included (–; the core's + 100)",
    metrics: ["stall.start"],
    take: "max",
  },
  { what: "a sibling's delay while one child streams 200 KB (25; 1000)", metrics: ["sibling.delay"], take: "p50" },
  { what: "siblings that were never started, of all, %", metrics: ["sibling.never"], take: "share" },
  { what: "gateway main-thread CPU of a child, its announce turn included", metrics: ["n1.mainCpu"], take: "mean" },
  { what: "the same without an announce turn (15; 60)", metrics: ["n1.mainCpuQuiet"], take: "mean" },
  { what: "CPU of all threads and processes, announce turn included", metrics: ["n1.allCpu"], take: "mean" },
];

/** Of fewer, the 95th percentile is the largest. */
const ENOUGH = 20;
const SIZES = [1, 5, 16];
const ROOT = join(import.meta.dirname, "..", "..");
const START = "<!-- openclaw: written by npm run bench:openclaw -->";
const END = "<!-- /openclaw -->";
