import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { idsOf, openEmbedder, sleep } from "./lib/embedder.ts";

export const benchmark: Benchmark = {
  question: "From the last byte of the model's answer to the completion in the host's hands.",
  variants: {
    n1: ({ quick }) => (quick ? slowest(1, 1, 1) : slowest(1, 30)),
    n16: ({ quick }) => (quick ? slowest(16, 1, 1) : slowest(16, 15)),
  },
  figures: [
    { what: "child's last byte → completion handed over", metric: "n1", unit: "ms", goal: 3 },
    { what: "the slowest of 16 that run at once", metric: "n16", unit: "ms", goal: 10 },
  ],
};

/** The first byte waits until all children have called, so that their ends and not their starts meet. */
async function slowest(children: number, rounds: number, warmUpRounds = WARM_UP_ROUNDS) {
  const embedder = await openEmbedder({ model: { firstByteDelayMs: 100 } });
  await embedder.runtime.warm();
  for (let n = 0; n < warmUpRounds; n += 1) await embedder.round(idsOf(`warm-up-${n}`, children));
  const handed: number[][] = [];
  for (let n = 0; n < rounds; n += 1) {
    await sleep(BETWEEN_MS);
    const runs = await Promise.all(idsOf(`${n}`, children).map((id) => embedder.spawn(id)));
    handed.push(await Promise.all(runs.map((run) => embedder.handedOver(run))));
  }
  const times = await embedder.times();
  const samples = handed.map((round, n) =>
    Math.max(...idsOf(`${n}`, children).map((id, child) => round[child]! - times[id]!.lastByte[0]!)),
  );
  await embedder.close();
  return { [`n${children}`]: samples };
}

const WARM_UP_ROUNDS = 3;
const BETWEEN_MS = 20;

await answerFork(import.meta.url, benchmark);
