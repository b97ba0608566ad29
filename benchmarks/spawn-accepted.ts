import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { idsOf, openEmbedder, sleep } from "./lib/embedder.ts";

export const benchmark: Benchmark = {
  question: "From the call of spawn to its answer `accepted`.",
  variants: {
    n1: ({ quick }) => (quick ? lastAccepted(1, 1, 1) : lastAccepted(1, 40)),
    n5: ({ quick }) => (quick ? lastAccepted(5, 1, 1) : lastAccepted(5, 25)),
    n16: ({ quick }) => (quick ? lastAccepted(16, 1, 1) : lastAccepted(16, 15)),
  },
  figures: [
    { what: "spawn call → accepted", metric: "n1", unit: "ms", goal: 0.3 },
    { what: "the last of 5 called at once", metric: "n5", unit: "ms", goal: 0.8 },
    { what: "the last of 16", metric: "n16", unit: "ms", goal: 2 },
  ],
};

async function lastAccepted(children: number, rounds: number, warmUpRounds = WARM_UP_ROUNDS) {
  const embedder = await openEmbedder();
  await embedder.runtime.warm();
  for (let n = 0; n < warmUpRounds; n += 1) await embedder.round(idsOf(`warm-up-${n}`, children));
  const samples: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    await sleep(BETWEEN_MS);
    const called = performance.now();
    const runs = await Promise.all(idsOf(`${n}`, children).map((id) => embedder.spawn(id)));
    samples.push(performance.now() - called);
    await Promise.all(runs.map((run) => embedder.handedOver(run)));
  }
  await embedder.close();
  return { [`n${children}`]: samples };
}

const WARM_UP_ROUNDS = 3;
const BETWEEN_MS = 20;

await answerFork(import.meta.url, benchmark);
