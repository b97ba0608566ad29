/** Writes what the last runs measured: plots, the tables of `benchmarks/README.md`, the headline of `README.md`. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type { Benchmark } from "./benchmark.ts";
import { differingBuilds } from "./differing-builds.ts";
import { knownMetrics, load } from "./files.ts";
import { headline } from "./headline.ts";
import { shownMachine } from "./machine.ts";
import { NAMES } from "./names.ts";
import { refuse } from "./options.ts";
import { plotSvg } from "./plot.ts";
import { readResult, writePlot, type Result } from "./results.ts";
import { detailTable, goalsTable } from "./tables.ts";

export async function writeReport(): Promise<void> {
  const results = NAMES.flatMap((name) => readResult(name) ?? []);
  if (results.length === 0) refuse("There is nothing in benchmarks/results to report; run npm run bench first.");
  const sections: string[] = [];
  for (const result of results) {
    const benchmark = await load(result.name, { quick: false });
    if (benchmark.plot !== undefined) writePlot(result.name, plotSvg(benchmark.plot, result.metrics));
    if (benchmark.tables !== undefined) sections.push(sectionOf(result, benchmark));
  }
  const machines = [...new Set(results.map(({ machine }) => `${shownMachine(machine)}.`))];
  const figures = [...machines, ...differingBuilds(results), goalsTable(results), ...sections].join("\n\n");
  await writeBetween(join(ROOT, "benchmarks", "README.md"), FIGURES, figures);
  await writeBetween(join(ROOT, "README.md"), HEADLINE, headline(results, await knownMetrics()));
}

function sectionOf({ name, question, command, machine, rounds, metrics }: Result, benchmark: Benchmark): string {
  return [
    `### ${name}`,
    `${question} \`${command}\`, ${rounds} rounds, load ${machine.load} at the start.`,
    ...(benchmark.plot === undefined ? [] : [`![${benchmark.plot.title}](results/${name}.svg)`]),
    ...benchmark.tables!.map((table) => detailTable(table, metrics)),
  ].join("\n\n");
}

async function writeBetween(file: string, [start, end]: readonly [string, string], text: string): Promise<void> {
  const before = readFileSync(file, "utf8");
  const [from, to] = [before.indexOf(start) + start.length, before.indexOf(end)];
  if (from < start.length || to < from) throw new Error(`${file} must hold the lines ${start} and ${end}.`);
  const whole = `${before.slice(0, from)}\n\n${text}\n\n${before.slice(to)}`;
  writeFileSync(file, await format(whole, { parser: "markdown", printWidth: 120 }));
}

const ROOT = join(import.meta.dirname, "..", "..");
const FIGURES = ["<!-- figures: written by npm run bench -->", "<!-- /figures -->"] as const;
const HEADLINE = ["<!-- bench: written by npm run bench -->", "<!-- /bench -->"] as const;
