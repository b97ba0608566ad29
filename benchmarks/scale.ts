import { answerFork, type Benchmark, type LinePanel, type Pace, type Samples } from "./lib/benchmark.ts";
import { openEmbedder, type Embedder } from "./lib/embedder.ts";
import { loopDelayOf } from "./lib/loop-delay-of.ts";
import { idsOf, now, sleep } from "./lib/times.ts";

export function benchmark({ quick }: Pace): Benchmark {
  const sizes = quick ? [10, 20, 40] : [100, 1_000, 5_000];
  const [, middle] = sizes;
  const shown = (size: number): string => size.toLocaleString("en");
  const row = (what: string, measure: string) => ({ what, cells: sizes.map((size) => [`${measure}.${size}`]) });
  const panel = (title: string, unit: string, series: { name: string; measure: string }[]): LinePanel => ({
    kind: "lines",
    title,
    x: { label: "children at once", values: sizes, log: true },
    y: { label: unit, log: true },
    series: series.map(({ name, measure }) => ({ name, metrics: sizes.map((size) => `${measure}.${size}`) })),
  });
  return {
    question:
      "Many children at once, 20 for each requester: a model that takes its time (1 s), the registry on disk. Where there is a goal, the loop's delay is measured in processes of its own.",
    rounds: 20,
    variants: Object.fromEntries(
      sizes.flatMap((size) =>
        size === middle
          ? [
              [`${size}.wall`, () => children(size, quick, "time")],
              [`${size}.delay`, () => children(size, quick, "delay")],
            ]
          : [[`${size}`, () => children(size, quick, "both")]],
      ),
    ),
    figures: [
      {
        what: `${shown(middle!)} concurrent children${quick ? "" : ", 1 s model"}: all settled and handed over`,
        metric: `wall.${middle}`,
        unit: "ms",
        goal: 2_000,
      },
      { what: "p99 of the loop's delay meanwhile", metric: `p99.${middle}`, unit: "ms", goal: 10 },
      { what: "longest", metric: `max.${middle}`, unit: "ms" },
      { what: "failures", metric: `failures.${middle}`, unit: "", goal: 0, take: "max" },
      { what: "all requests at the model after", metric: `allAsked.${middle}`, unit: "ms" },
      { what: "resident memory at its peak", metric: `rss.${middle}`, unit: "MB" },
      ...sizes
        .filter((size) => size !== middle)
        .map((size) => ({
          what: `failures of ${shown(size)} children`,
          metric: `failures.${size}`,
          unit: "" as const,
          goal: 0,
          take: "max" as const,
        })),
    ],
    tables: [
      {
        title: "children at once",
        columns: sizes.map(shown),
        rows: [
          row("call → all settled and handed over, ms", "wall"),
          row("call → all accepted, ms", "accepted"),
          row("call → all requests at the model, ms", "allAsked"),
          row("loop's delay, p99, ms", "p99"),
          row("loop's delay, longest, ms", "max"),
          row("resident memory at its peak, MB", "rss"),
          row("failures", "failures"),
        ],
      },
    ],
    plot: {
      title: "Many children at once in one process, a model that takes a second",
      panels: [
        panel("Call → …", "ms", [
          { name: "all accepted", measure: "accepted" },
          { name: "all requests at the model", measure: "allAsked" },
          { name: "all settled and handed over", measure: "wall" },
        ]),
        panel("Delay of the host's loop", "ms", [
          { name: "p99", measure: "p99" },
          { name: "longest", measure: "max" },
        ]),
        panel("Resident memory at its peak", "MB", [{ name: "whole process", measure: "rss" }]),
      ],
    },
  };
}

async function children(size: number, quick: boolean, measure: "time" | "delay" | "both"): Promise<Samples> {
  const embedder = await openEmbedder({
    model: { firstByteDelayMs: quick ? 100 : 1_000 },
    config: { pool: { runsPerThread: 4_096 }, limits: { maxConcurrent: size } },
  });
  await embedder.runtime.warm();
  await embedder.round(idsOf("warm-up", quick ? 2 : 40));
  const outcomes = settledIn(embedder);
  await sleep(200);
  const ids = idsOf("child", size);
  let [began, accepted, over] = [0, 0, 0];
  const work = async (): Promise<void> => {
    began = now();
    const runs = await embedder.spawnAll(ids);
    accepted = now();
    over = Math.max(...(await Promise.all(runs.map((run) => embedder.handedOver(run)))));
  };
  const delay = measure === "time" ? await work() : await loopDelayOf(work);
  const rss = process.resourceUsage().maxRSS / 1024;
  const failures = outcomes.filter((status) => status !== "ok").length + (size - outcomes.length);
  const times = await embedder.times();
  const asked = Math.max(...ids.map((id) => times[id]!.arrived[0]!));
  await embedder.close();
  const samples: Samples = { failures: [failures], rss: [rss] };
  if (delay) Object.assign(samples, { p99: [delay.p99], max: [delay.max] });
  if (measure !== "delay")
    Object.assign(samples, { accepted: [accepted - began], allAsked: [asked - began], wall: [over - began] });
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [`${name}.${size}`, values]));
}

/** Fills as runs settle. */
function settledIn({ runtime }: Embedder): string[] {
  const outcomes: string[] = [];
  void (async () => {
    for await (const event of runtime.events()) if (event.type === "settled") outcomes.push(event.outcome.status);
  })();
  return outcomes;
}

await answerFork(import.meta.url, benchmark);
