import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { idsOf, now, openEmbedder, sleep } from "./lib/embedder.ts";

export const benchmark: Benchmark = {
  question: "From the call of spawn to the child's first request at its model.",
  rounds: 5,
  variants: {
    n1: ({ quick }) => (quick ? lastRequest(1, 1, 1) : lastRequest(1, 30)),
    n5: ({ quick }) => (quick ? lastRequest(5, 1, 1) : lastRequest(5, 20)),
    n16: ({ quick }) => (quick ? lastRequest(16, 1, 1) : lastRequest(16, 12)),
    firstAfterWarm: async () => ({ firstAfterWarm: (await lastRequest(1, 1, 0)).n1! }),
  },
  figures: [
    { what: "spawn call → first model request, warm", metric: "n1", unit: "ms", goal: 4 },
    { what: "the last of 5 called at once", metric: "n5", unit: "ms", goal: 12 },
    { what: "the last of 16", metric: "n16", unit: "ms", goal: 35 },
    { what: "the first real spawn after warm", metric: "firstAfterWarm", unit: "ms", goal: 20 },
  ],
};

async function lastRequest(children: number, rounds: number, warmUpRounds = WARM_UP_ROUNDS) {
  const embedder = await openEmbedder();
  await embedder.runtime.warm();
  for (let n = 0; n < warmUpRounds; n += 1) await embedder.round(idsOf(`warm-up-${n}`, children));
  const called: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    await sleep(BETWEEN_MS);
    called.push(now());
    await embedder.round(idsOf(`${n}`, children));
  }
  // Asked once at the end, so that no round has the question beside it.
  const times = await embedder.times();
  const samples = called.map((at, n) => {
    const arrived = idsOf(`${n}`, children).map((id) => times[id]!.arrived[0]!);
    return Math.max(...arrived) - at;
  });
  await embedder.close();
  return { [`n${children}`]: samples };
}

const WARM_UP_ROUNDS = 3;
const BETWEEN_MS = 20;

await answerFork(import.meta.url, benchmark);
