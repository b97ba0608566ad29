/** What Node's threads cost by themselves: nothing built on them can be faster. */

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { Piscina } from "piscina";

/** A message and its answer, microseconds. */
export async function roundTrips(count: number): Promise<number[]> {
  return (await echoes(1, count)).map((ms) => ms * 1000);
}

/** `size` messages posted at once until the last answer is there, milliseconds. */
export async function manyRoundTrips(size: number, count: number): Promise<number[]> {
  return echoes(size, count);
}

/** A piscina task that does nothing, with a port of its own, microseconds. */
export async function noOps(count: number): Promise<number[]> {
  const pool = new Piscina({
    filename: fileURLToPath(WORKER),
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 64,
    atomics: "disabled",
    recordTiming: false,
  });
  const samples = await each(count, async () => {
    const { port1, port2 } = new MessageChannel();
    await pool.run({ port: port2 }, { transferList: [port2] });
    port1.close();
  });
  await pool.destroy();
  return samples.map((ms) => ms * 1000);
}

async function echoes(size: number, count: number): Promise<number[]> {
  const worker = new Worker(WORKER, { argv: ["echo"] });
  await once(worker, "online");
  const samples = await each(
    count,
    () =>
      new Promise<void>((resolve) => {
        let answers = 0;
        worker.removeAllListeners("message").on("message", () => {
          if (++answers === size) resolve();
        });
        for (let n = 0; n < size; n += 1) worker.postMessage(n);
      }),
  );
  await worker.terminate();
  return samples;
}

/** Milliseconds. */
async function each(count: number, work: () => Promise<void>): Promise<number[]> {
  for (let n = 0; n < Math.min(count, 500); n += 1) await work();
  const samples: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    await work();
    samples.push(performance.now() - began);
  }
  return samples;
}

const WORKER = new URL("./floor-worker.ts", import.meta.url);
