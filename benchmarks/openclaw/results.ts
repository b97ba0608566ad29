/** What was measured of the gateways, in `results/openclaw.json`. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "../lib/benchmark.ts";
import { buildHash } from "../lib/build-hash.ts";
import type { Machine } from "../lib/machine.ts";
import { writeTables } from "./table.ts";

export type Results = {
  /** One for each time that rounds were begun or gone on with. */
  sittings: Machine[];
  /** By variant, of each round. */
  raw: Record<string, Samples[]>;
  /** Gateways that didn't get to the end of a round, which was begun again with another: the variant and why. */
  failed: string[];
};

/** @param refuse of results that another build was measured for, or that aren't there */
export function keptResults(refuse: (sentence: string) => never): Results {
  let text;
  try {
    text = readFileSync(FILE, "utf8");
  } catch {
    return refuse("There is no results/openclaw.json to --continue with; leave it away.");
  }
  const { build, sittings, raw, failed } = JSON.parse(text) as Results & { build?: string };
  if (build !== buildHash())
    refuse(
      "results/openclaw.json was measured with another build; leave --continue away, and it is replaced after the first round.",
    );
  return { sittings, raw, failed };
}

/** And the tables and the plot of it. */
export async function keepResults(results: Results): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify({ build: buildHash(), ...results })}\n`);
  await writeTables(results);
}

const FOLDER = join(import.meta.dirname, "..", "results");
const FILE = join(FOLDER, "openclaw.json");
