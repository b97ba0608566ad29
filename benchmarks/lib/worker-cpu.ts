/** CPU of a child off the main thread, in pieces of 64 B: is it linear in what the model streams? */

import type { ModelServerBehaviour } from "../model-server.ts";
import type { Samples } from "./benchmark.ts";
import { cpuOf } from "./cpu.ts";
import { openEmbedder } from "./embedder.ts";
import { median } from "./statistics.ts";
import { sleep } from "./times.ts";

/** An answer of 800 KB over one of 50 KB, in one process. */
export async function streamingRatio(quick: boolean): Promise<Samples> {
  const answer50 = await othersCpu({ answerBytes: quick ? 5_000 : 50_000 }, quick);
  const answer800 = await othersCpu({ answerBytes: quick ? 10_000 : 800_000 }, quick);
  return { answer50, answer800, answerRatio: [median(answer800) / median(answer50)] };
}

/** A call whose arguments have 50 and 200 KB. */
export async function streamedArguments(quick: boolean): Promise<Samples> {
  const writing = (bytes: number) => ({ toolCall: { name: "write", argument: "content", bytes } });
  return {
    arguments50: await othersCpu(writing(quick ? 5_000 : 50_000), quick),
    arguments200: await othersCpu(writing(quick ? 10_000 : 200_000), quick),
  };
}

/** Milliseconds of one child after another. */
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
