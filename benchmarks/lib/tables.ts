/** What was measured, as tables: goal, measured, met or missed; and what stands beside it. */

import type { Table } from "./benchmark.ts";
import type { Line, Result } from "./results.ts";

/** On the terminal. */
export function printResult({ lines, metrics, machine, rounds }: Result, tables: readonly Table[]): void {
  print(lines.map((line) => [line.what, ...goalCells(line)]));
  for (const table of tables) {
    console.log(`\n  ${table.title}`);
    print([["", ...table.columns], ...bodyOf(table, metrics)]);
  }
  console.log(`\n  rounds ${rounds}, load at the start ${machine.load}`);
}

/** Of all benchmarks that were run, one after the other. */
export function goalsTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ name, lines, machine, rounds, day }) =>
    lines.map((line, index) => [
      line.what,
      ...goalCells(line),
      ...(index === 0 ? [`\`${name}\``, `${rounds}`, `${machine.load}`, day] : ["", "", "", ""]),
    ]),
  );
  return markdown([["what", "goal", "measured", "p95", "", "benchmark", "rounds", "load", "day"], ...rows]);
}

export function detailTable(table: Table, metrics: Result["metrics"]): string {
  return markdown([[table.title, ...table.columns], ...bodyOf(table, metrics)]);
}

/** @param rows the first is the head */
export function markdown(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows;
  return [head!, head!.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export function shownValue(value: string, unit: Line["unit"]): string {
  return `${value}${unit === "" ? "" : unit === "×" ? "×" : ` ${unit}`}`;
}

function bodyOf({ rows }: Table, metrics: Result["metrics"]): string[][] {
  return rows.map(({ what, cells }) => [what, ...cells.map((names) => cellOf(names, metrics))]);
}

function cellOf(names: readonly string[], metrics: Result["metrics"]): string {
  const [first, ...more] = names.map((name) => metrics[name]);
  if (more.length > 0) return [first, ...more].map((metric) => metric?.p50 ?? "–").join(" / ");
  if (first === undefined) return "–";
  return first.p50 === first.p95 ? `${first.p50}` : `${first.p50} (${first.p95})`;
}

function goalCells({ goal, measured, p95, unit }: Line): string[] {
  const show = (value: number): string => shownValue(`${value}`, unit);
  return [
    goal === undefined ? "" : `≤ ${show(goal)}`,
    show(measured),
    show(p95),
    goal === undefined ? "" : measured <= goal ? "met" : "missed",
  ];
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) {
    const shown = row.flatMap((cell, column) => (widths[column] === 0 ? [] : [cell.padEnd(widths[column]!)]));
    console.log(`  ${shown.join("  ").trimEnd()}`);
  }
}
