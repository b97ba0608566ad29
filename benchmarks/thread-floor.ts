import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { answerFork, type Benchmark } from "./lib/benchmark.ts";

export const benchmark: Benchmark = {
  question: "What Node's threads cost by themselves: nothing built on them can be faster.",
  variants: {
    port: ({ quick }) => roundTrips(quick ? 100 : 5_000),
    piscina: ({ quick }) => noOps(quick ? 100 : 5_000),
  },
  figures: [
    { what: "a message into a warm thread and back", metric: "roundTrip", unit: "µs" },
    { what: "a piscina task that does nothing, with a port of its own", metric: "noOp", unit: "µs" },
  ],
};

async function roundTrips(count: number) {
  const worker = new Worker(WORKER, { argv: ["echo"] });
  await once(worker, "online");
  const samples = await each(count, async () => {
    worker.postMessage(1);
    await once(worker, "message");
  });
  await worker.terminate();
  return { roundTrip: samples };
}

async function noOps(count: number) {
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
  return { noOp: samples };
}

/** Microseconds. */
async function each(count: number, work: () => Promise<void>): Promise<number[]> {
  for (let n = 0; n < Math.min(count, 500); n += 1) await work();
  const samples: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    await work();
    samples.push((performance.now() - began) * 1000);
  }
  return samples;
}

const WORKER = new URL("./floor-worker.ts", import.meta.url);

await answerFork(import.meta.url, benchmark);
