import { answerFork, type Benchmark, type LinePanel, type Pace } from "./lib/benchmark.ts";
import { costOf, growthsOf, type Growth } from "./lib/growth.ts";
import { memoryOfARun, memoryOfAThread } from "./lib/memory.ts";
import { shownNumber } from "./lib/plot-scale.ts";
import { streamingRatio, streamedArguments } from "./lib/worker-cpu.ts";

export function benchmark({ quick }: Pace): Benchmark {
  const growths = growthsOf(quick);
  const answers = growths.find(({ key }) => key === "answer");
  const beside = growths.find(({ key }) => key === "children");
  const [short] = answers!.steps;
  const long = answers!.steps.find(({ size }) => size === 200_000) ?? answers!.steps.at(-1);
  const variants = growths.flatMap((growth) =>
    growth.steps.map((step) => [`${growth.key}.${step.size}`, () => costOf(growth, step, quick)] as const),
  );
  const sizes = {
    short: `answer.${short!.size}`,
    long: `answer.${long!.size}`,
    alone: `children.${beside!.steps[0]!.size}`,
  };
  const longName = quick ? "a longer answer" : "200 KB";
  return {
    question:
      "What a child costs: CPU of the host's main thread and of the whole process, memory; and how that grows with what it says, with its transcript, with runs that are over, and with children beside it.",
    rounds: 20,
    variants: {
      ...Object.fromEntries(variants),
      watched: () => costOf({ ...answers!, key: "watched" }, { ...long!, watched: true }, quick),
      ratio: () => streamingRatio(quick),
      arguments: () => streamedArguments(quick),
      thread: () => memoryOfAThread(quick),
      run: () => memoryOfARun(quick),
    },
    figures: [
      {
        what: `host main-thread CPU a child, ${short!.children} at once: short answer`,
        metric: `${sizes.short}.main`,
        unit: "ms",
        goal: 0.8,
      },
      { what: "short answer, one child alone", metric: `${sizes.alone}.main`, unit: "ms" },
      {
        what: `${long!.children} at once: ${longName} streamed in 64 B, watched`,
        metric: `watched.${long!.size}.main`,
        unit: "ms",
        goal: 3,
      },
      { what: `${longName} streamed in 64 B, unwatched`, metric: `${sizes.long}.main`, unit: "ms" },
      {
        what: quick
          ? "worker CPU, a longer answer over a short one"
          : "worker CPU, 800 KB answer over 50 KB (linear is 16)",
        metric: "answerRatio",
        unit: "×",
        goal: 18,
      },
      {
        what: quick
          ? "worker CPU for longer streamed tool arguments"
          : "worker CPU for 200 KB of streamed tool arguments",
        metric: "arguments200",
        unit: "ms",
        goal: 120,
      },
      { what: quick ? "for short ones" : "for 50 KB of them", metric: "arguments50", unit: "ms" },
      { what: "memory of a warm thread after a real call", metric: "thread", unit: "MB", goal: 25 },
      { what: "of one more concurrent run", metric: "run", unit: "MB", goal: 0.3 },
    ],
    tables: growths.map(({ key, title, steps }) => ({
      title,
      columns: steps.map(({ shown }) => shown),
      rows: MEASURES.map(({ measure, what }) => ({
        what,
        cells: steps.map(({ size }) => [`${key}.${size}.${measure}`]),
      })),
    })),
    plot: {
      title: "What a child costs the process that embeds the library",
      panels: growths.map((growth) => panelOf(growth)),
    },
  };
}

/** The labels of the axis name its unit: they hold numbers alone. A logarithm has no place for no past runs. */
function panelOf({ key, title, x, steps }: Growth): LinePanel {
  return {
    kind: "lines",
    title,
    x: {
      label: x,
      values: steps.map(({ size }) => size),
      shown: steps.map(({ size, pastRuns }) => shownNumber(pastRuns ?? size)),
      log: true,
    },
    y: { label: "CPU ms a child · MB", log: true },
    series: MEASURES.map(({ measure, what }) => ({
      name: what,
      metrics: steps.map(({ size }) => `${key}.${size}.${measure}`),
    })),
  };
}

const MEASURES: { measure: string; what: string }[] = [
  { measure: "main", what: "main-thread CPU a child, ms" },
  { measure: "total", what: "total CPU a child, ms" },
  { measure: "rss", what: "memory of the process at its peak, MB" },
];

await answerFork(import.meta.url, benchmark);
