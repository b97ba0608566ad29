import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answerFork, type Benchmark, type Samples } from "./lib/benchmark.ts";
import { builtPackage, openEmbedder } from "./lib/embedder.ts";
import { forkVariant } from "./lib/fork-variant.ts";

export const benchmark: Benchmark = {
  question: "From the call of createSubagentRuntime in a fresh process to ready, and to warm.",
  rounds: 5,
  variants: {
    first: async () => named("first", await startUp()),
    again: async ({ quick }) => afterAnother(quick),
  },
  figures: [
    { what: "createSubagentRuntime → ready", metric: "againReady", unit: "ms", goal: 150 },
    { what: "→ warm", metric: "againWarm", unit: "ms", goal: 500 },
    { what: "→ ready, the first time with a state directory", metric: "firstReady", unit: "ms" },
    { what: "→ warm, the first time", metric: "firstWarm", unit: "ms" },
    { what: "import of the package, before", metric: "againImport", unit: "ms" },
  ],
};

/** The same state directory has been used by a process before: what it keeps is there. */
async function afterAnother(quick: boolean): Promise<Samples> {
  if (process.env[STATE_DIR] !== undefined) return named("before", await startUp(process.env[STATE_DIR]));
  const stateDir = mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-state-"));
  process.env[STATE_DIR] = stateDir;
  try {
    await forkVariant(fileURLToPath(import.meta.url), { variant: "again", pace: { quick } });
    return named("again", await startUp(stateDir));
  } finally {
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function startUp(stateDir?: string): Promise<Samples> {
  const began = performance.now();
  await builtPackage();
  const imported = performance.now() - began;
  const embedder = await openEmbedder(stateDir === undefined ? {} : { stateDir });
  const ready = performance.now();
  await embedder.runtime.warm();
  const warm = embedder.readyMs + (performance.now() - ready);
  await embedder.close();
  return { Import: [imported], Ready: [embedder.readyMs], Warm: [warm] };
}

function named(prefix: string, samples: Samples): Samples {
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [`${prefix}${name}`, values]));
}

const STATE_DIR = "OPENCLAW_INPROCESS_BENCH_STATE_DIR";

await answerFork(import.meta.url, benchmark);
