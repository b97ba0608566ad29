/** Resident memory, in megabytes: of one more warm thread after a real call, and of one more run beside others. */

import type { Samples } from "./benchmark.ts";
import { openEmbedder, type Embedder } from "./embedder.ts";
import { idsOf, sleep } from "./times.ts";

/** Runtimes in one process: the first pays what all share, the others differ by their number of threads alone. */
export async function memoryOfAThread(quick: boolean): Promise<Samples> {
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
export async function memoryOfARun(quick: boolean): Promise<Samples> {
  const children = quick ? 10 : 100;
  const embedder = await openEmbedder({
    model: { firstByteDelayMs: quick ? 600 : 2_500 },
    config: { pool: { maxThreads: 1, runsPerThread: 200 }, limits: { maxConcurrent: 200 } },
  });
  await embedder.runtime.warm();
  const warm = (await embedder.spawnAll(idsOf("warm-up", children))).slice(0, 10);
  await Promise.all(warm.map((run) => embedder.handedOver(run)));
  await sleep(quick ? 0 : 300);
  const before = await settledRss(quick);
  const runs = await embedder.spawnAll(idsOf("measured", children));
  await sleep(quick ? 100 : 1_200);
  const during = await settledRss(quick);
  await Promise.all(runs.map((run) => embedder.handedOver(run)));
  await embedder.close();
  return { run: [(during - before) / children] };
}

/** Megabytes, once the main thread's garbage is collected. */
async function settledRss(quick: boolean): Promise<number> {
  await sleep(quick ? 0 : 300);
  globalThis.gc?.();
  await sleep(quick ? 0 : 100);
  return process.memoryUsage.rss() / 1e6;
}
