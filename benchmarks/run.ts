/**
 * Runs benchmarks and shows what they measured against their goals.
 *
 *   npm run bench                      all of them; writes results/*.json and *.svg, the tables of benchmarks/README.md
 *                                      and the headline of README.md
 *   npm run bench -- scale abort       these
 *   npm run bench -- --rounds 5 scale  so many fresh processes for each variant instead of the benchmark's own number;
 *                                      fewer than that are shown and not written
 *   npm run bench -- --report          writes plots and tables anew from results/*.json
 *   npm run bench -- --quick           one short round of each, to see that they work; no goals, and nothing is written
 */

import type { Samples } from "./lib/benchmark.ts";
import { buildHash } from "./lib/build-hash.ts";
import { fileOf, load } from "./lib/files.ts";
import { forkVariant } from "./lib/fork-variant.ts";
import { shownMachine, thisMachine } from "./lib/machine.ts";
import { NAMES } from "./lib/names.ts";
import { readOptions, refuse, roundsOf } from "./lib/options.ts";
import { writeReport } from "./lib/report.ts";
import { toResult, writeResult } from "./lib/results.ts";
import { printResult } from "./lib/tables.ts";

const { values, positionals } = readOptions(
  { quick: { type: "boolean" }, report: { type: "boolean" }, rounds: { type: "string" } },
  true,
);
const pace = { quick: values.quick === true };
const unknown = positionals.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) refuse(`There is no benchmark ${unknown.join(", ")}; choose from ${NAMES.join(", ")}.`);
const wanted = roundsOf(values.rounds);
if (pace.quick && wanted !== undefined) refuse("--quick is one round; leave --rounds away.");
if (values.report === true && (pace.quick || wanted !== undefined || positionals.length > 0))
  refuse("--report measures nothing and writes of every benchmark; give it alone.");

if (values.report === true) await writeReport();
else await measureAll();

async function measureAll(): Promise<void> {
  if (pace.quick) {
    console.log("quick: small sizes and few rounds; this shows that the benchmarks work, the figures say nothing");
  }
  const chosen = positionals.length > 0 ? positionals : NAMES;
  const options = [...(pace.quick ? ["--quick"] : []), ...(wanted === undefined ? [] : [`--rounds ${wanted}`])];
  console.log(`${shownMachine(thisMachine())}; npm run bench -- ${[...options, ...chosen].join(" ")}`);
  for (const name of chosen) await measure(name, ["npm run bench --", ...options, name].join(" "));
}

async function measure(name: string, command: string): Promise<void> {
  const benchmark = await load(name, pace);
  console.log(`\n${name}: ${benchmark.question}`);
  const about = {
    name,
    question: benchmark.question,
    command,
    machine: thisMachine(),
    build: buildHash(),
    day: today(),
  };
  const rounds = pace.quick ? 1 : (wanted ?? benchmark.rounds);
  const runs: Samples[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const variants = Object.keys(benchmark.variants);
    if (round % 2 === 1) variants.reverse();
    const fork = (variant: string): Promise<Samples> => forkVariant(fileOf(name), { variant, pace });
    // Nobody looks at the figures of a quick round, so that its processes may stand in each other's way.
    if (pace.quick) runs.push(...(await Promise.all(variants.map(fork))));
    else for (const variant of variants) runs.push(await fork(variant));
  }
  // Goals are for full sizes.
  const figures = pace.quick ? benchmark.figures.map(({ goal: _goal, ...figure }) => figure) : benchmark.figures;
  const result = toResult({ ...about, rounds }, figures, runs);
  printResult(result, benchmark.tables ?? []);
  if (pace.quick) return;
  if (rounds < benchmark.rounds) return console.log(`  fewer rounds than its ${benchmark.rounds}: nothing is written`);
  writeResult(result);
  // Each time: a run that is interrupted leaves no tables that tell otherwise than the results.
  await writeReport();
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
