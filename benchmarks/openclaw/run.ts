/**
 * Compares gateways: the core as it is, and with this plugin. Each round starts every variant in a gateway of its own,
 * from one onboarded state, in an order that is reversed every round.
 *
 *   npm run bench:openclaw                  20 rounds of all variants; writes results/openclaw.json, its plot and the tables
 *                                           after the first round, in the place of what was there
 *   npm run bench:openclaw -- --continue    goes on with the rounds in results/openclaw.json until there are 20: the
 *                                           three hours needn't be had at a time; the page tells of another build
 *   npm run bench:openclaw -- --rounds 1 --only "pi, 2026.4.1"     shows one of them; fewer rounds write nothing
 */

import type { Samples } from "../lib/benchmark.ts";
import { shownMachine, thisMachine } from "../lib/machine.ts";
import { readOptions, refuse, roundsOf as roundsAsked } from "../lib/options.ts";
import { openGateway } from "./gateway.ts";
import { measure, type Rounds } from "./measure.ts";
import { goOn, keepResults, keptResults, type Results } from "./results.ts";
import { tableOf } from "./table.ts";
import { VARIANTS, type Variant } from "./variants.ts";

const ROUNDS = 20;
const { values } = readOptions({
  rounds: { type: "string" },
  continue: { type: "boolean" },
  only: { type: "string" },
});
const wanted = roundsAsked(values.rounds) ?? ROUNDS;
const chosen = VARIANTS.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0)
  refuse(`There is no variant ${values.only}; choose from ${VARIANTS.map(({ name }) => name).join("; ")}.`);
if (values.continue === true && values.only !== undefined) refuse("--only writes nothing to --continue with.");
const writes = values.only === undefined && (wanted >= ROUNDS || values.continue === true);
// Gateways differ more from one start to the next than within one: many of them, each asked little.
const EACH_ROUND: Rounds = { one: 2, five: 1, sixteen: 1, quiet: 1, streams: 1 };
const OWN_TOOL: Rounds = { one: 2, five: 1, sixteen: 0, quiet: 0, streams: 0 };
/** Of one variant in one round. */
const FAILURES_BORNE = 2;
const machine = thisMachine();
const before: Results = values.continue === true ? keptResults(refuse) : { sittings: [], raw: {}, failed: [] };
const results = goOn(before, machine);
console.log(`${shownMachine(machine)}, load ${machine.load}; ${wanted} rounds`);
const { raw } = results;
for (let round = 0; round < wanted; round += 1) {
  for (const variant of round % 2 === 0 ? chosen : chosen.toReversed()) {
    const rounds = (raw[variant.name] ??= []);
    if (rounds.length > round) continue;
    const began = performance.now();
    rounds.push(await measured(variant));
    // What was measured isn't lost with a gateway that fails, nor what was there for half a round.
    if (writes && VARIANTS.every(({ name }) => raw[name] !== undefined)) await keepResults(results);
    console.log(`round ${round + 1}, ${variant.name}: ${Math.round((performance.now() - began) / 1000)} s`);
  }
}
console.log(tableOf(raw));

/** The core of 2026.4.1 loses a result once in some hundred turns; the gateway after such a one is another. */
async function measured(variant: Variant): Promise<Samples> {
  for (let failures = 0; ; failures += 1) {
    const gateway = await openGateway(variant);
    try {
      return await measure(gateway, roundsOf(variant));
    } catch (error) {
      const [why] = String(error).split("\n");
      results.failed.push(`${variant.name}: ${why}`);
      console.log(`${variant.name} failed, and is tried again:`, error);
      if (failures === FAILURES_BORNE) throw error;
    } finally {
      await gateway.close();
    }
  }
}

function roundsOf({ ownTool, engine, version }: Variant): Rounds {
  if (ownTool === true) return OWN_TOOL;
  // The core of 2026.4.1 announces every child.
  return engine === undefined && version === "2026.4.1" ? { ...EACH_ROUND, quiet: 0 } : EACH_ROUND;
}
