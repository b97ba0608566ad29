import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { idsOf, openEmbedder, sleep } from "./lib/embedder.ts";
import { loopDelayOf } from "./lib/loop-delay-of.ts";

export const benchmark: Benchmark = {
  question:
    "How late the host's loop is while 16 children stream 200 KB each in pieces of 64 B (1 ms of it is the timer's own).",
  quickQuestion: "How late the host's loop is while 16 children stream short answers in pieces of 64 B.",
  variants: {
    idle: ({ quick }) => idle(quick ? 200 : 2_000),
    unwatched: ({ quick }) => streaming("unwatched", quick ? 2_000 : 200_000),
    watched: ({ quick }) => streaming("watched", quick ? 2_000 : 200_000),
  },
  figures: [
    {
      what: "16 children × 200 KB, unwatched: p99 of the loop's delay",
      quickWhat: "16 children, unwatched: p99 of the loop's delay",
      metric: "unwatchedP99",
      unit: "ms",
      goal: 4,
    },
    { what: "longest", metric: "unwatchedMax", unit: "ms", goal: 25 },
    { what: "watched: p99", metric: "watchedP99", unit: "ms", goal: 4 },
    { what: "longest", metric: "watchedMax", unit: "ms", goal: 25 },
    { what: "the same process idle: p99", metric: "idleP99", unit: "ms" },
    { what: "longest", metric: "idleMax", unit: "ms" },
  ],
};

async function streaming(name: "watched" | "unwatched", answerBytes: number) {
  const embedder = await openEmbedder({ model: { answerBytes } });
  await embedder.runtime.warm();
  let seen = 0;
  if (name === "watched") {
    void (async () => {
      for await (const event of embedder.runtime.events({ text: true }))
        if (event.type === "text") seen += event.text.length;
    })();
  }
  await embedder.round(idsOf("warm-up", 2));
  await sleep(100);
  seen = 0;
  const delays = await loopDelays(name, () => embedder.round(idsOf("child", CHILDREN)));
  if (name === "watched" && seen !== CHILDREN * answerBytes) throw new Error(`Only ${seen} characters were seen.`);
  await embedder.close();
  return delays;
}

async function idle(ms: number) {
  const embedder = await openEmbedder();
  await embedder.runtime.warm();
  await sleep(100);
  const delays = await loopDelays("idle", () => sleep(ms));
  await embedder.close();
  return delays;
}

async function loopDelays(name: string, work: () => Promise<void>) {
  const { p99, max } = await loopDelayOf(work);
  return { [`${name}P99`]: [p99], [`${name}Max`]: [max] };
}

const CHILDREN = 16;

await answerFork(import.meta.url, benchmark);
