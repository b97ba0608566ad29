import { answerFork, type Benchmark, type LinePanel, type Pace, type Samples } from "./lib/benchmark.ts";
import { openEmbedder, type Embedder, type Transport } from "./lib/embedder.ts";
import { idsOf, now, sleep } from "./lib/times.ts";
import { manyRoundTrips, noOps, roundTrips } from "./lib/thread-floor.ts";

export function benchmark({ quick }: Pace): Benchmark {
  const sizes = quick ? [1, 2] : [1, 5, 16, 64];
  const [one, few, many] = quick ? [1, 2, 2] : [1, 5, 16];
  const metricsOf = (name: string) => sizes.map((n) => `${name}.n${n}`);
  const rowsOf = (what: string) => NAMES.map(({ key, name }) => ({ what: name, cells: cellsOf(`${key}.${what}`) }));
  const cellsOf = (name: string) => metricsOf(name).map((metric) => [metric]);
  const panel = (title: string, what: string, floor: boolean): LinePanel => ({
    kind: "lines",
    title,
    x: { label: "children called at once", values: sizes, log: true },
    y: { label: "ms, median", log: true },
    series: [
      ...NAMES.map(({ key, name }) => ({ name, metrics: metricsOf(`${key}.${what}`) })),
      ...(floor ? [{ name: FLOOR, metrics: metricsOf("floor.echo") }] : []),
    ],
  });
  const columns = sizes.map((n) => (n === 1 ? "n = 1" : `last of ${n}`));
  const inTable = (title: string, what: string) => ({ title, columns, rows: rowsOf(what) });
  return {
    question:
      "From the call of spawn to `accepted`, to the child's first request at its model, to its answer handed over.",
    rounds: 20,
    variants: {
      ...Object.fromEntries(NAMES.map(({ key }) => [key, () => spawns(key, sizes, quick)])),
      floor: () => floor(sizes, quick),
    },
    figures: [
      { what: "spawn call → accepted", metric: `in-process.accepted.n${one}`, unit: "ms", goal: 0.3 },
      { what: `the last of ${few} called at once`, metric: `in-process.accepted.n${few}`, unit: "ms", goal: 0.8 },
      { what: `the last of ${many}`, metric: `in-process.accepted.n${many}`, unit: "ms", goal: 2 },
      {
        what: "spawn call → first model request, warm",
        metric: `in-process.firstRequest.n${one}`,
        unit: "ms",
        goal: 4,
      },
      { what: `the last of ${few} called at once`, metric: `in-process.firstRequest.n${few}`, unit: "ms", goal: 12 },
      { what: `the last of ${many}`, metric: `in-process.firstRequest.n${many}`, unit: "ms", goal: 35 },
      { what: "the first real spawn after warm", metric: "in-process.firstAfterWarm", unit: "ms", goal: 20 },
      {
        what: "child's last byte → completion handed over",
        metric: `in-process.handover.n${one}`,
        unit: "ms",
        goal: 3,
      },
      { what: `the slowest of ${many} that run at once`, metric: `in-process.handover.n${many}`, unit: "ms", goal: 10 },
      { what: "floor: a message into a warm thread and back", metric: "floor.roundTrip", unit: "µs" },
      { what: "a piscina task that does nothing, with a port of its own", metric: "floor.noOp", unit: "µs" },
    ],
    tables: [
      {
        ...inTable("spawn call → accepted, ms", "accepted"),
        rows: [...rowsOf("accepted"), { what: FLOOR, cells: cellsOf("floor.echo") }],
      },
      inTable("spawn call → child's first model request, ms", "firstRequest"),
      inTable("child's last byte → completion handed over, ms", "handover"),
      inTable("spawn call → completion handed over, a model that answers at once, ms", "whole"),
    ],
    plot: {
      title: "Spawn latency: in process and over a WebSocket, the same engine and threads",
      panels: [
        panel("Call → accepted", "accepted", true),
        panel("Call → child's first model request", "firstRequest", false),
        panel("Last byte → handed over", "handover", false),
      ],
    },
  };
}

async function spawns(transport: Transport, sizes: readonly number[], quick: boolean): Promise<Samples> {
  const embedder = await openEmbedder({ transport });
  await embedder.runtime.warm();
  const samples: Samples = { firstAfterWarm: [await firstRequest(embedder)] };
  const largest = Math.max(...sizes);
  for (let n = 0; n < (quick ? 0 : WARM_UP_ROUNDS); n += 1) await embedder.round(idsOf(`warm-up-${n}`, largest));
  const called = new Map<string, number>();
  const handed = new Map<string, number[]>();
  for (const size of sizes) {
    const accepted: number[] = [];
    const whole: number[] = [];
    for (let n = 0; n < (quick ? 1 : roundsOf(size)); n += 1) {
      const soon = `n${size}-${n}`;
      await sleep(BETWEEN_MS);
      const at = now();
      called.set(soon, at);
      const runs = await embedder.spawnAll(idsOf(soon, size));
      accepted.push(now() - at);
      whole.push(Math.max(...(await Promise.all(runs.map(embedder.handedOver)))) - at);
    }
    // The first byte waits until all children have called, so that their ends and not their starts meet.
    for (let n = 0; n < (quick ? 1 : lateRoundsOf(size)); n += 1) {
      const late = `n${size}-${n}-late${lateMs(transport, size)}`;
      const lates = await embedder.spawnAll(idsOf(late, size));
      handed.set(late, await Promise.all(lates.map(embedder.handedOver)));
    }
    samples[`accepted.n${size}`] = accepted;
    samples[`whole.n${size}`] = whole;
  }
  // Asked once at the end, so that no round has the question beside it.
  const times = await embedder.times();
  for (const size of sizes) {
    const of = (name: string): boolean => name.startsWith(`n${size}-`);
    samples[`firstRequest.n${size}`] = [...called].flatMap(([name, at]) =>
      of(name) ? Math.max(...idsOf(name, size).map((id) => times[id]!.arrived[0]!)) - at : [],
    );
    samples[`handover.n${size}`] = [...handed].flatMap(([name, ends]) =>
      of(name) ? Math.max(...idsOf(name, size).map((id, child) => ends[child]! - times[id]!.lastByte[0]!)) : [],
    );
  }
  await embedder.close();
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [`${transport}.${name}`, values]));
}

async function firstRequest(embedder: Embedder): Promise<number> {
  const called = now();
  await embedder.round(["first"]);
  return (await embedder.times())["first"]!.arrived[0]! - called;
}

async function floor(sizes: readonly number[], quick: boolean): Promise<Samples> {
  const count = quick ? 50 : 1_000;
  const samples: Samples = { "floor.roundTrip": await roundTrips(count), "floor.noOp": await noOps(count) };
  for (const size of sizes) samples[`floor.echo.n${size}`] = await manyRoundTrips(size, quick ? 5 : 50);
  return samples;
}

function roundsOf(size: number): number {
  return { 1: 10, 5: 4, 16: 2 }[size] ?? 1;
}

function lateRoundsOf(size: number): number {
  return { 1: 3, 5: 2 }[size] ?? 1;
}

/** Longer than it takes until all have asked. */
function lateMs(transport: Transport, size: number): number {
  return 80 + (transport === "per-call" ? 14 : 7) * size;
}

const NAMES: { key: Transport; name: string }[] = [
  { key: "in-process", name: "in process" },
  { key: "kept", name: "reference gateway, one connection kept" },
  { key: "per-call", name: "reference gateway, a connection a call" },
];
const FLOOR = "floor: messages into a warm thread and back";
const WARM_UP_ROUNDS = 2;
const BETWEEN_MS = 20;

await answerFork(import.meta.url, benchmark);
