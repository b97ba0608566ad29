/**
 * Compares gateways: the core as it is, and with this plugin, of each OpenClaw by itself. Each round starts every variant
 * in a gateway of its own, from one onboarded state, in an order that is reversed every round.
 *
 *   npm run bench:openclaw                  20 rounds of all variants; writes results/openclaw-<version>.json, its plot and
 *                                           the tables after the first round, in the place of what was there
 *   npm run bench:openclaw -- --continue    goes on with the rounds that are there until there are 20: the three hours
 *                                           needn't be had at a time; the page tells of another build
 *   npm run bench:openclaw -- --openclaw 2026.9.6                  that one's variants, about an hour
 *   npm run bench:openclaw -- --rounds 1 --only "pi, 2026.4.1"     shows one of them; fewer rounds write nothing
 */

import type { Samples } from "../lib/benchmark.ts";
import { shownMachine, thisMachine } from "../lib/machine.ts";
import { readOptions, refuse, roundsOf as roundsAsked } from "../lib/options.ts";
import { openGateway } from "./gateway.ts";
import { measure, type Rounds } from "./measure.ts";
import { goOn, keepResults, keptResults, NOTHING, type Results } from "./results.ts";
import { tableOf, writeTables } from "./table.ts";
import { variantsOf, VERSIONS, type Variant, type Version } from "./variants.ts";

const ROUNDS = 20;
const { values } = readOptions({
  rounds: { type: "string" },
  continue: { type: "boolean" },
  openclaw: { type: "string" },
  only: { type: "string" },
});
const wanted = roundsAsked(values.rounds) ?? ROUNDS;
const versions = VERSIONS.filter((version) => values.openclaw === undefined || version === values.openclaw);
if (versions.length === 0)
  refuse(`There are no variants of OpenClaw ${values.openclaw}; choose from ${VERSIONS.join("; ")}.`);
const chosen = variantsOf(...versions).filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0)
  refuse(`There is no variant ${values.only}; choose from ${namesOf(variantsOf(...versions)).join("; ")}.`);
if (values.continue === true && values.only !== undefined) refuse("--only writes nothing to --continue with.");
const writes = values.only === undefined && (wanted >= ROUNDS || values.continue === true);
// Gateways differ more from one start to the next than within one: many of them, each asked little.
const EACH_ROUND: Rounds = { one: 2, five: 1, sixteen: 1, quiet: 1, streams: 1 };
const OWN_TOOL: Rounds = { one: 2, five: 1, sixteen: 0, quiet: 0, streams: 0 };
/** Of one variant in one round. */
const FAILURES_BORNE = 2;
for (const version of versions) await compare(version);

async function compare(version: Version): Promise<void> {
  const variants = chosen.filter((variant) => variant.version === version);
  if (variants.length === 0) return;
  const machine = thisMachine();
  const results = goOn(values.continue === true ? keptResults(version) : NOTHING, machine);
  console.log(`OpenClaw ${version}: ${shownMachine(machine)}, load ${machine.load}; ${wanted} rounds`);
  const { raw } = results;
  for (let round = 0; round < wanted; round += 1) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      const rounds = (raw[variant.name] ??= []);
      if (rounds.length > round) continue;
      const began = performance.now();
      rounds.push(await measured(variant, results));
      // What was measured isn't lost with a gateway that fails, nor what was there for half a round.
      if (writes && variants.every(({ name }) => raw[name] !== undefined)) {
        keepResults(version, results);
        await writeTables();
      }
      console.log(`round ${round + 1}, ${variant.name}: ${Math.round((performance.now() - began) / 1000)} s`);
    }
  }
  console.log(tableOf(raw));
}

/** The core of 2026.4.1 loses a result once in some hundred turns; the gateway after such a one is another. */
async function measured(variant: Variant, { failed }: Results): Promise<Samples> {
  for (let failures = 0; ; failures += 1) {
    const gateway = await openGateway(variant);
    try {
      return await measure(gateway, roundsOf(variant));
    } catch (error) {
      const [why] = String(error).split("\n");
      failed.push(`${variant.name}: ${why}`);
      console.log(`${variant.name} failed, and is tried again:`, error);
      if (failures === FAILURES_BORNE) throw error;
    } finally {
      await gateway.close();
    }
  }
}

function namesOf(variants: readonly Variant[]): string[] {
  return variants.map(({ name }) => name);
}

function roundsOf({ ownTool, engine, version }: Variant): Rounds {
  if (ownTool === true) return OWN_TOOL;
  // The core of 2026.4.1 announces every child.
  return engine === undefined && version === "2026.4.1" ? { ...EACH_ROUND, quiet: 0 } : EACH_ROUND;
}
