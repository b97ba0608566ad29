/**
 * Compares gateways: the core as it is, and with this plugin. Each round starts every variant in a gateway of its own,
 * from one onboarded state, in an order that is reversed every round.
 *
 *   npm run bench:openclaw                  20 rounds of all variants; writes results/openclaw.json, its plot and the tables
 *   npm run bench:openclaw -- --rounds 1 --only "pi, 2026.4.1"
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Samples } from "../lib/benchmark.ts";
import { shownMachine, thisMachine } from "../lib/machine.ts";
import { readOptions, refuse, roundsOf as roundsAsked } from "../lib/options.ts";
import { openGateway } from "./gateway.ts";
import { measure, type Rounds } from "./measure.ts";
import { tableOf, writeTables } from "./table.ts";
import { VARIANTS, type Variant } from "./variants.ts";

const { values } = readOptions({ rounds: { type: "string" }, only: { type: "string" } });
const wanted = roundsAsked(values.rounds) ?? 20;
const chosen = VARIANTS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0)
  refuse(`There is no variant ${values.only}; choose from ${VARIANTS.map(({ name }) => name).join("; ")}.`);
const command = `npm run bench:openclaw -- --rounds ${wanted}${values.only === undefined ? "" : ` --only "${values.only}"`}`;
// Gateways differ more from one start to the next than within one: many of them, each asked little.
const EACH_ROUND: Rounds = { one: 2, five: 1, sixteen: 1, quiet: 1, streams: 1 };
const OWN_TOOL: Rounds = { one: 2, five: 1, sixteen: 0, quiet: 0, streams: 0 };
const machine = thisMachine();
console.log(`${shownMachine(machine)}, load ${machine.load}; ${command}`);
const raw: Record<string, Samples[]> = {};
for (let round = 0; round < wanted; round += 1) {
  for (const variant of round % 2 === 0 ? chosen : chosen.toReversed()) {
    const began = performance.now();
    const gateway = await openGateway(variant);
    try {
      const samples = await measure(gateway, roundsOf(variant));
      (raw[variant.name] ??= []).push(samples);
      await keep();
      console.log(`round ${round + 1}, ${variant.name}: ${Math.round((performance.now() - began) / 1000)} s`);
    } finally {
      await gateway.close();
    }
  }
}
console.log(tableOf(raw));

function roundsOf({ ownTool, engine, version }: Variant): Rounds {
  if (ownTool === true) return OWN_TOOL;
  // The core of 2026.4.1 announces every child.
  return engine === undefined && version === "2026.4.1" ? { ...EACH_ROUND, quiet: 0 } : EACH_ROUND;
}

/** After each gateway: what was measured isn't lost with the one that fails. */
async function keep(): Promise<void> {
  if (values.only !== undefined) return;
  const folder = join(import.meta.dirname, "..", "results");
  mkdirSync(folder, { recursive: true });
  const kept = { machine, command, raw };
  writeFileSync(join(folder, "openclaw.json"), `${JSON.stringify(kept)}\n`);
  await writeTables(raw, machine);
}
