import { answerFork, type Benchmark, type Pace } from "./lib/benchmark.ts";
import { openEmbedder, type Embedder } from "./lib/embedder.ts";
import { idsOf, sleep } from "./lib/times.ts";

export function benchmark({ quick }: Pace): Benchmark {
  return {
    question: "From kill() in the middle of an answer to the run settled.",
    rounds: 20,
    variants: {
      alone: () => (quick ? killing("alone", 0, 1, 0) : killing("alone", 0, 10)),
      siblings: () => (quick ? killing("siblings", 15, 1, 0) : killing("siblings", 15, 6)),
    },
    figures: [
      { what: "abort mid-stream → settled", metric: "alone", unit: "ms", goal: 5 },
      { what: "beside 15 that stream", metric: "siblings", unit: "ms", goal: 5 },
      { what: "abort → the model sees its caller gone, alone", metric: "aloneGone", unit: "ms" },
      { what: "beside 15 that stream", metric: "siblingsGone", unit: "ms" },
    ],
  };
}

/** Each streams for far longer than a round takes; what is left of a round is killed after it. */
async function killing(name: string, siblings: number, rounds: number, warmUpRounds = WARM_UP_ROUNDS) {
  const embedder = await openEmbedder({ model: { answerBytes: 64_000, delayMs: 5 } });
  await embedder.runtime.warm();
  const settled: number[] = [];
  const calledAt = new Map<string, number>();
  for (let n = -warmUpRounds; n < rounds; n += 1) {
    const id = `${name}-${n}`;
    const run = await embedder.spawn(id);
    const others = idsOf(`beside-${n}`, siblings);
    for (const other of others) await embedder.spawn(other);
    await allAnswering(embedder, [id, ...others]);
    const called = performance.now();
    calledAt.set(id, performance.timeOrigin + called);
    const { status } = await embedder.runtime.kill(run.runId, embedder.requester);
    const ms = performance.now() - called;
    if (status !== "ok") throw new Error(`The child had ended before it was killed: ${status}.`);
    if (n >= 0) settled.push(ms);
    await sleep(50);
    await embedder.runtime.kill("all", embedder.requester);
    await sleep(100);
  }
  const measured = Array.from({ length: rounds }, (_, n) => `${name}-${n}`);
  const goneAt = await allGone(embedder, measured);
  const gone = measured.map((id, n) => goneAt[n]! - calledAt.get(id)!);
  await embedder.close();
  return { [name]: settled, [`${name}Gone`]: gone };
}

/** The model has all their requests, and has had time for a few pieces of each answer. */
async function allAnswering(embedder: Embedder, ids: readonly string[]): Promise<void> {
  for (;;) {
    const times = await embedder.times();
    if (ids.every((id) => times[id] !== undefined)) break;
    await sleep(20);
  }
  await sleep(100);
}

/** When the model saw each caller gone; a busy machine lets it wait for that. */
async function allGone(embedder: Embedder, ids: readonly string[]): Promise<number[]> {
  for (;;) {
    const times = await embedder.times();
    const gone = ids.flatMap((id) => times[id]?.gone[0] ?? []);
    if (gone.length === ids.length) return gone;
    await sleep(20);
  }
}

const WARM_UP_ROUNDS = 2;

await answerFork(import.meta.url, benchmark);
