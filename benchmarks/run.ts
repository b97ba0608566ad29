/**
 * Runs benchmarks and shows what they measured against their goals.
 *
 *   npm run bench                    all of them; writes results/*.json and the table of README.md
 *   npm run bench -- handover abort  these
 *   npm run bench -- --quick         one short round of each, to see that they work; no goals, and nothing is written
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Benchmark, Figure, Pace, Samples } from "./lib/benchmark.ts";
import { forkVariant } from "./lib/fork-variant.ts";
import { thisMachine } from "./lib/machine.ts";
import { NAMES } from "./lib/names.ts";
import { printResult, writeReadme } from "./lib/report.ts";
import { readResult, toResult, writeResult } from "./lib/results.ts";

const { values, positionals } = parseArgs({ options: { quick: { type: "boolean" } }, allowPositionals: true });
const pace: Pace = { quick: values.quick === true };
const unknown = positionals.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(", ")}; choose from ${NAMES.join(", ")}.`);
  process.exit(2);
}

if (pace.quick) {
  console.log("quick: small sizes and few rounds; this shows that the benchmarks work, the figures say nothing");
}
const chosen = positionals.length > 0 ? positionals : NAMES;
const machine = thisMachine();
const { cpu, cores, memoryGb, platform, node } = machine;
const args = [...(pace.quick ? ["--quick"] : []), ...chosen].join(" ");
console.log(`${cpu}, ${cores} cores, ${memoryGb} GB, ${platform}, Node ${node}; npm run bench -- ${args}`);
for (const name of chosen) await run(name);
if (!pace.quick) await writeReadme(NAMES.flatMap((name) => readResult(name) ?? []));

async function run(name: string): Promise<void> {
  const file = join(import.meta.dirname, `${name}.ts`);
  const { benchmark } = (await import(new URL(`${name}.ts`, import.meta.url).href)) as { benchmark: Benchmark };
  const question = pace.quick ? (benchmark.quickQuestion ?? benchmark.question) : benchmark.question;
  console.log(`\n${name}: ${question}`);
  const about = { name, question, command: `npm run bench -- ${name}`, machine: thisMachine() };
  const runs: Samples[] = [];
  for (let round = 0; round < (pace.quick ? 1 : (benchmark.rounds ?? 3)); round += 1) {
    const variants = Object.keys(benchmark.variants);
    if (round % 2 === 1) variants.reverse();
    for (const variant of variants) runs.push(await forkVariant(file, { variant, pace }));
  }
  const result = toResult(about, pace.quick ? benchmark.figures.map(quickFigure) : benchmark.figures, runs);
  printResult(result);
  if (!pace.quick) writeResult(result);
}

/** Goals are for full sizes. */
function quickFigure({ goal: _goal, quickWhat, ...figure }: Figure): Figure {
  return { ...figure, what: quickWhat ?? figure.what };
}
