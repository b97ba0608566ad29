import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { cpuOf } from "./lib/cpu.ts";
import { openEmbedder, sleep } from "./lib/embedder.ts";
import type { ModelServerBehaviour } from "./model-server.ts";

export const benchmark: Benchmark = {
  question: "CPU of a child off the main thread: is it linear in what the model streams, in pieces of 64 B?",
  variants: {
    answers: ({ quick }) => answers(quick),
    arguments: ({ quick }) => toolArguments(quick),
  },
  figures: [
    {
      what: "worker CPU, 800 KB answer over 50 KB (linear is 16)",
      quickWhat: "worker CPU, a longer answer over a short one",
      metric: "answerRatio",
      unit: "×",
      goal: 18,
    },
    {
      what: "worker CPU for 200 KB of streamed tool arguments",
      quickWhat: "worker CPU for longer streamed tool arguments",
      metric: "arguments200",
      unit: "ms",
      goal: 120,
    },
    { what: "for 50 KB of them", quickWhat: "for short ones", metric: "arguments50", unit: "ms" },
    {
      what: "worker CPU for an answer of 800 KB",
      quickWhat: "worker CPU for the longer answer",
      metric: "answer800",
      unit: "ms",
    },
    { what: "of 50 KB", quickWhat: "of the short one", metric: "answer50", unit: "ms" },
  ],
};

async function answers(quick: boolean) {
  const answer50 = await othersCpu({ answerBytes: quick ? 5_000 : 50_000 }, quick);
  const answer800 = await othersCpu({ answerBytes: quick ? 10_000 : 800_000 }, quick);
  return { answer50, answer800, answerRatio: [middle(answer800) / middle(answer50)] };
}

async function toolArguments(quick: boolean) {
  const writing = (bytes: number) => ({ toolCall: { name: "write", argument: "content", bytes } });
  return {
    arguments50: await othersCpu(writing(quick ? 5_000 : 50_000), quick),
    arguments200: await othersCpu(writing(quick ? 10_000 : 200_000), quick),
  };
}

async function othersCpu(model: ModelServerBehaviour, quick: boolean): Promise<number[]> {
  const embedder = await openEmbedder({ model, config: { pool: { maxThreads: 1 } } });
  await embedder.runtime.warm();
  for (let n = 0; n < (quick ? 0 : 4); n += 1) await embedder.round([`warm-up-${n}`]);
  const samples: number[] = [];
  for (let n = 0; n < (quick ? 1 : 5); n += 1) {
    await sleep(quick ? 0 : 100);
    samples.push((await cpuOf(() => embedder.round([`${n}`]))).others);
  }
  await embedder.close();
  return samples;
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

await answerFork(import.meta.url, benchmark);
