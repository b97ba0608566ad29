import { answerFork, type Benchmark } from "./lib/benchmark.ts";
import { idsOf, openEmbedder, sleep, type Embedder } from "./lib/embedder.ts";

export const benchmark: Benchmark = {
  question: "Resident memory of one more warm thread after a real call, and of one more run beside others.",
  variants: { threads: ({ quick }) => aThread(quick), runs: ({ quick }) => aRun(quick) },
  figures: [
    { what: "a warm thread after a real call", metric: "thread", unit: "MB", goal: 25 },
    { what: "one more concurrent run", metric: "run", unit: "MB", goal: 0.3 },
  ],
};

/** Runtimes in one process: the first pays what all share, the others differ by their number of threads alone. */
async function aThread(quick: boolean) {
  const more = quick ? 1 : 4;
  const first = await afterACall(1, quick);
  const few = await afterACall(1, quick);
  const many = await afterACall(1 + more, quick);
  await Promise.all([first, few, many].map(({ embedder }) => embedder.close()));
  return { thread: [(many.grew - few.grew) / more] };
}

async function afterACall(threads: number, quick: boolean): Promise<{ embedder: Embedder; grew: number }> {
  const before = await settledRss(quick);
  const embedder = await openEmbedder({ config: { pool: { minThreads: threads, maxThreads: threads } } });
  await embedder.runtime.warm();
  // At once, so that each thread gets some.
  await embedder.round(idsOf("call", 4 * threads));
  return { embedder, grew: (await settledRss(quick)) - before };
}

/** Children that wait for their model's first byte. */
async function aRun(quick: boolean) {
  const children = quick ? 10 : 100;
  const embedder = await openEmbedder({
    model: { firstByteDelayMs: quick ? 600 : 4_000 },
    config: { pool: { maxThreads: 1, runsPerThread: 200 }, limits: { maxConcurrent: 200 } },
  });
  await embedder.runtime.warm();
  const spawnAll = (round: string) =>
    Promise.all(idsOf(round, children).map((id, n) => embedder.spawn(id, requesterOf(Math.floor(n / 20)))));
  const warm = (await spawnAll("warm-up")).slice(0, 10);
  await Promise.all(warm.map((run) => embedder.handedOver(run)));
  await sleep(quick ? 0 : 1_000);
  const before = await settledRss(quick);
  const runs = await spawnAll("measured");
  await sleep(quick ? 100 : 2_000);
  const during = await settledRss(quick);
  await Promise.all(runs.map((run) => embedder.handedOver(run)));
  await embedder.close();
  return { run: [(during - before) / children] };
}

function requesterOf(n: number) {
  return { sessionKey: `agent:main:bench-${n}`, agentId: "main" };
}

/** Megabytes, once the main thread's garbage is collected. */
async function settledRss(quick: boolean): Promise<number> {
  await sleep(quick ? 0 : 300);
  globalThis.gc?.();
  await sleep(quick ? 0 : 100);
  return process.memoryUsage.rss() / 1e6;
}

await answerFork(import.meta.url, benchmark);
