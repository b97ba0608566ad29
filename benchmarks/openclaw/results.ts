/** What was measured of the gateways, in `results/openclaw.json`. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "../lib/benchmark.ts";
import { buildHash } from "../lib/build-hash.ts";
import type { Machine } from "../lib/machine.ts";
import { writeTables } from "./table.ts";

/** `build`: which one of the plugin; `round`: the first that was begun in it, counted from 1. */
export type Sitting = Machine & { build: string; round: number };

export type Results = {
  /** One for each time that rounds were begun or gone on with. */
  sittings: Sitting[];
  /** By variant, of each round. */
  raw: Record<string, Samples[]>;
  /** Gateways that didn't get to the end of a round, which was begun again with another: the variant and why. */
  failed: string[];
};

/** @param refuse of results that aren't there */
export function keptResults(refuse: (sentence: string) => never): Results {
  try {
    return JSON.parse(readFileSync(FILE, "utf8")) as Results;
  } catch {
    return refuse("There is no results/openclaw.json to --continue with; leave it away.");
  }
}

/** No round is of two builds: half a round of another build is begun anew. */
export function goOn({ sittings, raw, failed }: Results, machine: Machine, build = buildHash()): Results {
  const whole = wholeRounds(raw);
  const isSame = sittings.at(-1)?.build === build;
  const kept = Object.entries(raw).map(([name, rounds]) => [name, isSame ? rounds : rounds.slice(0, whole)]);
  const sitting = { ...machine, build, round: whole + 1 };
  return { sittings: [...sittings, sitting], raw: Object.fromEntries(kept) as Results["raw"], failed };
}

/** Those that all variants have. */
export function wholeRounds(raw: Results["raw"]): number {
  const counts = Object.values(raw).map(({ length }) => length);
  return counts.length === 0 ? 0 : Math.min(...counts);
}

/** The rounds before which the plugin was built anew: a figure over all of them is of more than one build. */
export function changesOfBuild(sittings: readonly Sitting[]): number[] {
  const isNew = ({ build }: Sitting, place: number): boolean => place > 0 && build !== sittings[place - 1]!.build;
  return sittings.filter(isNew).map(({ round }) => round);
}

/** And the tables and the plot of it. */
export async function keepResults(results: Results): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(results)}\n`);
  await writeTables(results);
}

const FOLDER = join(import.meta.dirname, "..", "results");
const FILE = join(FOLDER, "openclaw.json");
