import { answerFork, type Benchmark, type Samples } from "./lib/benchmark.ts";
import { now, openEmbedder, sleep, type Embedder } from "./lib/embedder.ts";
import { loopDelayOf } from "./lib/loop-delay-of.ts";

export const benchmark: Benchmark = {
  question: "1,000 children at once: 50 requesters × 20, a model that takes 1 s, the registry on disk.",
  quickQuestion: "Many children at once: 20 for each requester, a model that takes its time, the registry on disk.",
  variants: {
    wall: ({ quick }) => children(quick, async (work) => ({ wall: [await work()] })),
    delay: ({ quick }) =>
      children(quick, async (work) => {
        const { p99, max } = await loopDelayOf(work);
        return { p99: [p99], max: [max] };
      }),
  },
  figures: [
    {
      what: "1,000 concurrent children, 1 s model: all settled and handed over",
      quickWhat: "concurrent children: all settled and handed over",
      metric: "wall",
      unit: "ms",
      goal: 2_000,
    },
    { what: "p99 of the loop's delay meanwhile", metric: "p99", unit: "ms", goal: 10 },
    { what: "longest", metric: "max", unit: "ms" },
    { what: "failures", metric: "failures", unit: "", goal: 0, take: "max" },
    { what: "all requests at the model after", metric: "allAsked", unit: "ms" },
    { what: "resident memory at its peak", metric: "rss", unit: "MB" },
  ],
};

async function children(quick: boolean, measure: (work: () => Promise<number>) => Promise<Samples>): Promise<Samples> {
  const requesters = quick ? 2 : 50;
  const embedder = await openEmbedder({
    model: { firstByteDelayMs: quick ? 100 : 1_000 },
    config: { pool: { runsPerThread: 1_000 }, limits: { maxConcurrent: 1_000 } },
  });
  await embedder.runtime.warm();
  await Promise.all(Array.from({ length: 2 }, (_, n) => twenty(embedder, `warm-up-${n}`)));
  const outcomes: string[] = [];
  void (async () => {
    for await (const event of embedder.runtime.events())
      if (event.type === "settled") outcomes.push(event.outcome.status);
  })();
  await sleep(200);
  let began = 0;
  const samples = await measure(async () => {
    began = now();
    await Promise.all(Array.from({ length: requesters }, (_, n) => twenty(embedder, `${n}`)));
    return now() - began;
  });
  const failures = outcomes.filter((status) => status !== "ok").length + (requesters * 20 - outcomes.length);
  const arrived = Object.entries(await embedder.times()).flatMap(([id, { arrived }]) =>
    id.startsWith("warm-up") ? [] : arrived,
  );
  const rss = process.resourceUsage().maxRSS / 1024;
  await embedder.close();
  return { ...samples, failures: [failures], allAsked: [Math.max(...arrived) - began], rss: [rss] };
}

async function twenty(embedder: Embedder, name: string): Promise<void> {
  const requester = { sessionKey: `agent:main:${name}`, agentId: "main" };
  const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => embedder.spawn(`${name}.${n}`, requester)));
  await Promise.all(runs.map((run) => embedder.handedOver(run)));
}

await answerFork(import.meta.url, benchmark);
