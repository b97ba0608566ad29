import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { builtPackage, openEmbedder } from "./lib/embedder.ts";

export const benchmark: Benchmark = {
  question: "From the call of createSubagentRuntime in a fresh process to ready, and to warm.",
  rounds: 5,
  variants: { fresh: startUp },
  figures: [
    { what: "createSubagentRuntime → ready", metric: "ready", unit: "ms", goal: 150 },
    { what: "createSubagentRuntime → warm", metric: "warm", unit: "ms", goal: 500 },
    { what: "import of the package, before", metric: "import", unit: "ms" },
  ],
};

async function startUp() {
  const began = performance.now();
  await builtPackage();
  const imported = performance.now() - began;
  const embedder = await openEmbedder();
  const ready = performance.now();
  await embedder.runtime.warm();
  const warm = embedder.readyMs + (performance.now() - ready);
  await embedder.close();
  return { import: [imported], ready: [embedder.readyMs], warm: [warm] };
}

await answerFork(import.meta.url, benchmark);
