/** The table: goal, measured, met or missed. On the terminal for one benchmark, in the README for all that were run. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type { Line, Result } from "./results.ts";

export function printResult({ lines, machine }: Result): void {
  const rows = lines.map((line) => [line.what, ...cells(line)]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    const shown = row.flatMap((cell, column) => (widths[column] === 0 ? [] : [cell.padEnd(widths[column]!)]));
    console.log(`  ${shown.join("  ")}`);
  }
  console.log(`  load at the start ${machine.load}`);
}

/** Writes the table between the markers of `benchmarks/README.md`. */
export async function writeReadme(results: readonly Result[]): Promise<void> {
  const before = readFileSync(README, "utf8");
  const { head, tail } = aroundMarkers(before);
  const text = `${head}${START}\n\n${table(results)}\n\n${END}${tail}`;
  writeFileSync(README, await format(text, { parser: "markdown", printWidth: 120 }));
}

function aroundMarkers(text: string): { head: string; tail: string } {
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) throw new Error(`benchmarks/README.md must hold the lines ${START} and ${END}.`);
  return { head: text.slice(0, start), tail: text.slice(end + END.length) };
}

function table(results: readonly Result[]): string {
  const rows = results.flatMap(({ name, lines, machine }) =>
    lines.map((line, index) => [
      line.what,
      ...cells(line),
      index === 0 ? `\`${name}\`` : "",
      index === 0 ? `${machine.load}` : "",
    ]),
  );
  const head = ["what", "goal", "measured", "p95", "", "benchmark", "load"];
  return [
    ...new Set(
      results.map(({ machine: m }) => `${m.cpu}, ${m.cores} cores, ${m.memoryGb} GB, ${m.platform}, Node ${m.node}.`),
    ),
    "",
    ...[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}

function cells({ goal, measured, p95, unit }: Line): string[] {
  const show = (value: number): string => `${value}${unit === "" ? "" : unit === "×" ? "×" : ` ${unit}`}`;
  return [
    goal === undefined ? "" : `≤ ${show(goal)}`,
    show(measured),
    show(p95),
    goal === undefined ? "" : measured <= goal ? "met" : "missed",
  ];
}

const README = join(import.meta.dirname, "..", "README.md");
const START = "<!-- figures: written by npm run bench -->";
const END = "<!-- /figures -->";
