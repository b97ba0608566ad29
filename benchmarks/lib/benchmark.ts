/**
 * What a benchmark file is: one question, answered by variants that each run in a fresh process of their own, so that
 * none finds code compiled or memory filled by another. The file exports `benchmark(pace)`.
 */

import { fileURLToPath } from "node:url";

export type Benchmark = {
  /** What is asked, for the reader of the table. */
  question: string;
  /** Fresh processes for each variant, their order turned round every time. */
  rounds: number;
  variants: Record<string, Variant>;
  /** What goes into the table of goals. */
  figures: Figure[];
  /** What is shown beside them. */
  tables?: Table[];
  /** Drawn into `results/<name>.svg`. */
  plot?: Plot;
};

/** Runs in a process of its own and returns what it measured, by metric. */
export type Variant = () => Promise<Samples>;
export type Samples = Record<string, number[]>;

/** `quick` asks for as little as shows that the benchmark works. */
export type Pace = { quick: boolean };

/** One line of the table of goals. */
export type Figure = {
  what: string;
  /** Name of the metric. Metrics of all variants share one namespace. */
  metric: string;
  unit: "ms" | "µs" | "MB" | "×" | "";
  /** What stands for one process: the middle of its samples, or the largest. @default "p50" */
  take?: "p50" | "max";
  /** The most it may be. Absent: shown for comparison. */
  goal?: number;
};

/** A cell of one metric shows its median and, in brackets, its 95th percentile; of several, their medians. */
export type Table = { title: string; columns: string[]; rows: { what: string; cells: string[][] }[] };

export type Plot = { title: string; panels: Panel[] };
export type Panel = LinePanel | BarPanel;
export type Axis = { label: string; log?: boolean };

/** A line for each series through the medians of its metrics, one for each of `x.values`. */
export type LinePanel = {
  kind: "lines";
  title: string;
  /** `shown`: what stands at each value. @default the value */
  x: Axis & { values: number[]; shown?: string[] };
  y: Axis;
  series: { name: string; metrics: string[] }[];
};

export type BarPanel = { kind: "bars"; title: string; y: Axis; bars: { name: string; metric: string }[] };

export type VariantRequest = { variant: string; pace: Pace };
export type VariantAnswer = { samples: Samples } | { failed: string };

/** The last line of a benchmark file: when the file was forked for a variant, runs it and answers. */
export async function answerFork(url: string, benchmark: (pace: Pace) => Benchmark): Promise<void> {
  if (process.argv[1] !== fileURLToPath(url)) return;
  const { variant, pace } = JSON.parse(process.argv[2] ?? "{}") as Partial<VariantRequest>;
  const run = pace && benchmark(pace).variants[variant ?? ""];
  if (run === undefined || process.send === undefined) {
    console.error("This file is started by the runner: npm run bench -- <name>");
    process.exit(2);
  }
  // The runner is gone.
  process.on("disconnect", () => process.exit(2));
  const answer: VariantAnswer = await run().then(
    (samples) => ({ samples }),
    (error: unknown) => ({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  // A thread or a timer that is left doesn't keep the next variant waiting.
  process.send(answer, () => process.exit(0));
}
