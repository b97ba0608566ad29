import { join } from "node:path";
import { answerFork, type Benchmark, type LinePanel, type Pace, type Samples } from "./lib/benchmark.ts";
import { openEmbedder, type Embedder, type EmbedderOptions, type Transport } from "./lib/embedder.ts";
import { openPinger } from "./lib/pinger.ts";
import { idsOf, sleep } from "./lib/times.ts";

export function benchmark({ quick }: Pace): Benchmark {
  const sizes = quick ? [2] : [1, 5, 16, 64];
  const many = quick ? 2 : 16;
  const kinds = workOf(quick);
  const long = kinds.find(({ key }) => key === "long")!;
  const plotted = kinds.filter(({ key }) => key !== "short");
  const columns = sizes.map((n) => `${n} ${n === 1 ? "child" : "children"}`);
  const rows = (metrics: string[]) =>
    kinds.flatMap(({ key, what }) =>
      HOSTS.map(({ transport, name }) => ({
        what: `${what}: ${name}`,
        cells: sizes.map((n) => metrics.map((metric) => `${transport}.${key}.n${n}.${metric}`)),
      })),
    );
  const panel = ({ key, what }: Work, metric: string, label: string): LinePanel => ({
    kind: "lines",
    title: what,
    x: { label: "children at once", values: sizes, log: true },
    y: { label: `ms, ${label}`, log: true },
    series: HOSTS.map(({ transport, name }) => ({
      name,
      metrics: sizes.map((n) => `${transport}.${key}.n${n}.${metric}`),
    })),
  });
  const watched = `watched.n${many}`;
  const unwatched = `in-process.long.n${many}`;
  return {
    question:
      "How late the loop of the children's host is, and how long an unrelated HTTP request waits, while children work (1 ms of the delay is the timer's own).",
    rounds: 20,
    variants: {
      idle: () => idle(quick),
      watched: () => watching(long, many, quick),
      ...Object.fromEntries(
        HOSTS.flatMap(({ transport }) =>
          kinds.map((kind) => [`${transport}.${kind.key}`, () => working(transport, kind, sizes, quick)]),
        ),
      ),
    },
    figures: [
      {
        what: `${many} children, each ${long.what}, unwatched: p99 of the loop's delay`,
        metric: `${unwatched}.p99`,
        unit: "ms",
        goal: 4,
      },
      { what: "longest", metric: `${unwatched}.max`, unit: "ms", goal: 25 },
      { what: "watched: p99", metric: `${watched}.p99`, unit: "ms", goal: 4 },
      { what: "longest", metric: `${watched}.max`, unit: "ms", goal: 25 },
      { what: "the same process idle: p99", metric: "idle.p99", unit: "ms" },
      { what: "longest", metric: "idle.max", unit: "ms" },
      { what: "an unrelated HTTP request meanwhile: p99", metric: `${unwatched}.ping99`, unit: "ms" },
      { what: "idle", metric: "idle.ping99", unit: "ms" },
    ],
    tables: [
      { title: "delay of the host's loop, ms: p50 / p99 / longest", columns, rows: rows(["p50", "p99", "max"]) },
      {
        title: "latency of an unrelated HTTP request to the host, ms: p50 / p99 / longest",
        columns,
        rows: rows(["ping50", "ping99", "pingMax"]),
      },
    ],
    plot: {
      title: "A host's responsiveness while its children work, in process and in the reference gateway",
      panels: [
        ...plotted.map((kind) => panel(kind, "max", "longest delay of the host's loop")),
        ...plotted.map((kind) => panel(kind, "ping99", "p99 of an unrelated HTTP request to the host")),
      ],
    },
  };
}

type Work = { key: string; what: string } & Pick<EmbedderOptions, "model" | "config" | "files">;

function workOf(quick: boolean): Work[] {
  const streaming = (key: string, bytes: number): Work => ({
    key,
    what: `streaming ${quick ? "a short answer" : `${bytes / 1_000} KB`}`,
    model: { answerBytes: bytes },
  });
  const toolCall = { name: "read", args: { path: "big.json" }, times: quick ? 1 : 4 };
  return [
    ...(quick ? [streaming("long", 2_000)] : [streaming("short", 50_000), streaming("long", 200_000)]),
    { key: "results", what: "reading large tool results", model: { toolCall }, files: { "big.json": BIG_JSON } },
    { key: "spin", what: "spinning in its thread", config: { engine: SPIN } },
  ];
}

async function working(transport: Transport, work: Work, sizes: readonly number[], quick: boolean): Promise<Samples> {
  const { key, what: _what, ...options } = work;
  const embedder = await openEmbedder({ transport, ...options });
  await embedder.runtime.warm();
  await embedder.round(idsOf("warm-up", quick ? 1 : 4));
  const samples: Samples = {};
  for (const size of sizes)
    Object.assign(samples, await measured(embedder, `${transport}.${key}.n${size}`, size, quick));
  await embedder.close();
  return samples;
}

async function watching({ model }: Work, children: number, quick: boolean): Promise<Samples> {
  const embedder = await openEmbedder({ model: model! });
  await embedder.runtime.warm();
  let seen = 0;
  void (async () => {
    for await (const event of embedder.runtime.events({ text: true }))
      if (event.type === "text") seen += event.text.length;
  })();
  await embedder.round(idsOf("warm-up", quick ? 1 : 4));
  await sleep(100);
  seen = 0;
  const samples = await measured(embedder, `watched.n${children}`, children, quick);
  if (seen === 0 || seen % (children * model!.answerBytes!) !== 0)
    throw new Error(`Only ${seen} characters were seen.`);
  await embedder.close();
  return samples;
}

async function idle(quick: boolean): Promise<Samples> {
  const embedder = await openEmbedder();
  await embedder.runtime.warm();
  const samples = await measuring(embedder, "idle", () => sleep(100), quick);
  await embedder.close();
  return samples;
}

function measured(embedder: Embedder, name: string, children: number, quick: boolean): Promise<Samples> {
  return measuring(embedder, name, () => embedder.round(idsOf(name, children)), quick);
}

/** The work is repeated until there are requests enough beside it to speak of their 99th percentile. */
async function measuring(
  { probe }: Embedder,
  name: string,
  work: () => Promise<unknown>,
  quick: boolean,
): Promise<Samples> {
  await sleep(100);
  const pinger = await openPinger(probe.pingUrl);
  let pings = { p50: 0, p99: 0, max: 0 };
  const delay = await probe.loopDelayOf(async () => (pings = await pinger.beside(work, quick ? 1 : PINGS)));
  return {
    [`${name}.p50`]: [delay.p50],
    [`${name}.p99`]: [delay.p99],
    [`${name}.max`]: [delay.max],
    [`${name}.ping50`]: [pings.p50],
    [`${name}.ping99`]: [pings.p99],
    [`${name}.pingMax`]: [pings.max],
  };
}

const PINGS = 200;
const HOSTS: { transport: Transport; name: string }[] = [
  { transport: "in-process", name: "in process" },
  { transport: "kept", name: "reference gateway" },
];
const SPIN = join(import.meta.dirname, "engines", "spins-a-while.ts");
/** More than one `read` gives. */
const BIG_JSON = JSON.stringify(
  Array.from({ length: 4_000 }, (_, n) => ({ id: n, name: `entry ${n}`, tags: ["a", "b"], text: "lorem ipsum dolor" })),
  null,
  1,
);

await answerFork(import.meta.url, benchmark);
