import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { removedAtExit } from "../test/helpers/removed-at-exit.ts";
import { answerFork, type Benchmark, type Pace, type Samples } from "./lib/benchmark.ts";
import { builtPackage } from "./lib/built.ts";
import { openEmbedder } from "./lib/embedder.ts";
import { forkVariant } from "./lib/fork-variant.ts";
import { lostThread } from "./lib/lost-thread.ts";
import { now } from "./lib/times.ts";

export function benchmark({ quick }: Pace): Benchmark {
  const beside = quick ? 1 : 8;
  const start = (name: string) => ["Ready", "Warm", "FirstRequest", "FirstRun"].map((what) => [`${name}${what}`]);
  return {
    question:
      "From the call of createSubagentRuntime in a fresh process to ready, warm, and a first run; and how soon runs go on whose thread was lost.",
    rounds: 20,
    variants: {
      first: () => startUp("first"),
      firstRun: () => firstRun("first"),
      again: () => afterAnother(quick, startUp),
      againRun: () => afterAnother(quick, firstRun),
      lost: () => lostThread(beside),
    },
    figures: [
      { what: "createSubagentRuntime → ready", metric: "againReady", unit: "ms", goal: 150 },
      { what: "→ warm", metric: "againWarm", unit: "ms", goal: 500 },
      { what: "→ ready, the first time with a state directory", metric: "firstReady", unit: "ms" },
      { what: "→ warm, the first time", metric: "firstWarm", unit: "ms" },
      { what: "import of the package, before", metric: "againImport", unit: "ms" },
      { what: "a thread is lost → its run goes on in another", metric: "lostAlone", unit: "ms" },
      { what: `the last of ${beside} that were on it too`, metric: "lostBeside", unit: "ms" },
    ],
    tables: [
      {
        title: "call of createSubagentRuntime → …, ms",
        columns: ["ready", "warm", "a run spawned when ready: at its model", "handed over"],
        rows: [
          { what: "the state directory was used before", cells: start("again") },
          { what: "the first time with a state directory", cells: start("first") },
        ],
      },
    ],
    plot: {
      title: "Cold start (state directory used before), and a lost thread",
      panels: [
        {
          kind: "bars",
          title: "createSubagentRuntime called → …",
          y: { label: "ms, median" },
          bars: [
            { name: "ready", metric: "againReady" },
            { name: "warm", metric: "againWarm" },
            { name: "first request", metric: "againFirstRequest" },
            { name: "first run over", metric: "againFirstRun" },
          ],
        },
        {
          kind: "bars",
          title: "A thread is lost → its runs go on",
          y: { label: "ms, median" },
          bars: [
            { name: "the run that ended it", metric: "lostAlone" },
            { name: `last of ${beside} beside it`, metric: "lostBeside" },
          ],
        },
      ],
    },
  };
}

/** The same state directory has been used by a process before: what it keeps is there. */
async function afterAnother(quick: boolean, measure: typeof startUp): Promise<Samples> {
  const stateDir = removedAtExit(mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-state-")));
  process.env[STATE_DIR] = stateDir;
  try {
    await forkVariant(fileURLToPath(import.meta.url), { variant: "first", pace: { quick } });
    return await measure("again");
  } finally {
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function startUp(name: string): Promise<Samples> {
  const began = performance.now();
  await builtPackage();
  const imported = performance.now() - began;
  const embedder = await openEmbedder({ stateDir: process.env[STATE_DIR] });
  await embedder.runtime.warm();
  const warmAt = now();
  await embedder.close();
  const { calledAt, readyAt } = embedder;
  return {
    [`${name}Import`]: [imported],
    [`${name}Ready`]: [readyAt - calledAt],
    [`${name}Warm`]: [warmAt - calledAt],
  };
}

/** Spawned as soon as spawns are accepted, beside the warming up. */
async function firstRun(name: string): Promise<Samples> {
  const embedder = await openEmbedder({ stateDir: process.env[STATE_DIR] });
  const over = await embedder.round(["first"]);
  const [asked] = (await embedder.times())["first"]!.arrived;
  await embedder.close();
  const { calledAt } = embedder;
  return { [`${name}FirstRequest`]: [asked! - calledAt], [`${name}FirstRun`]: [over - calledAt] };
}

const STATE_DIR = "OPENCLAW_INPROCESS_BENCH_STATE_DIR";

await answerFork(import.meta.url, benchmark);
