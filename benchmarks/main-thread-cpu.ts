import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { cpuOf } from "./lib/cpu.ts";
import { idsOf, openEmbedder, sleep } from "./lib/embedder.ts";

export const benchmark: Benchmark = {
  question: "CPU that one child costs the host's main thread, from spawn to handed over (process.threadCpuUsage).",
  variants: {
    short: ({ quick }) => aChild("short", { answerBytes: 200, rounds: quick ? 1 : 15, watched: false }),
    unwatched: ({ quick }) => aChild("unwatched", { answerBytes: quick ? 2_000 : 200_000, rounds: 1, watched: false }),
    watched: ({ quick }) =>
      aChild("watched", { answerBytes: quick ? 2_000 : 200_000, rounds: quick ? 1 : 2, watched: true }),
  },
  figures: [
    { what: "host main-thread CPU a child: short answer", metric: "short", unit: "ms", goal: 0.8 },
    {
      what: "200 KB streamed in 64 B, watched",
      quickWhat: "streamed in 64 B, watched",
      metric: "watched",
      unit: "ms",
      goal: 3,
    },
    {
      what: "200 KB streamed in 64 B, unwatched",
      quickWhat: "streamed in 64 B, unwatched",
      metric: "unwatched",
      unit: "ms",
    },
  ],
};

async function aChild(name: string, options: { answerBytes: number; rounds: number; watched: boolean }) {
  const embedder = await openEmbedder({ model: { answerBytes: options.answerBytes } });
  await embedder.runtime.warm();
  if (options.watched) {
    void (async () => {
      for await (const _event of embedder.runtime.events({ text: true }));
    })();
  }
  for (let n = 0; n < WARM_UP_ROUNDS; n += 1) await embedder.round(idsOf(`warm-up-${n}`, 8));
  const samples: number[] = [];
  for (let n = 0; n < options.rounds; n += 1) {
    await sleep(50);
    const { main } = await cpuOf(() => embedder.round(idsOf(`${n}`, CHILDREN)));
    samples.push(main / CHILDREN);
  }
  await embedder.close();
  return { [name]: samples };
}

const WARM_UP_ROUNDS = 2;
const CHILDREN = 16;

await answerFork(import.meta.url, benchmark);
