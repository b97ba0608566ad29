/** What was measured of the gateways of each OpenClaw, in `results/openclaw-<version>.json`. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "../lib/benchmark.ts";
import { buildHash } from "../lib/build-hash.ts";
import type { Machine } from "../lib/machine.ts";
import type { Version } from "./variants.ts";

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

export const NOTHING: Results = { sittings: [], raw: {}, failed: [] };

export function keptResults(version: Version): Results {
  const file = fileOf(version);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : NOTHING;
}

export function keepResults(version: Version, results: Results): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(version), `${JSON.stringify(results)}\n`);
}

/** No round is of two builds: half a round of another build is begun anew. */
export function goOn({ sittings, raw, failed }: Results, machine: Machine, build = buildHash()): Results {
  const whole = wholeRounds(raw);
  const isSame = sittings.at(-1)?.build === build;
  const kept = Object.entries(raw).map(([name, rounds]) => [name, isSame ? rounds : rounds.slice(0, whole)]);
  const sitting = { ...machine, build, round: whole + 1 };
  return { sittings: [...sittings, sitting], raw: Object.fromEntries(kept) as Results["raw"], failed: [...failed] };
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

function fileOf(version: Version): string {
  return join(FOLDER, `openclaw-${version}.json`);
}

const FOLDER = join(import.meta.dirname, "..", "results");
