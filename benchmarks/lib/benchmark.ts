/**
 * What a benchmark file is: one question, answered by variants that each run in a fresh process of their own, so that
 * none finds code compiled or memory filled by another.
 */

import { fileURLToPath } from "node:url";

export type Benchmark = {
  /** What is asked, for the reader of the table. */
  question: string;
  /** The question where sizes are smaller. @default `question` */
  quickQuestion?: string;
  /** Fresh processes for each variant, their order turned round every time. @default 3 */
  rounds?: number;
  variants: Record<string, Variant>;
  /** What goes into the table. */
  figures: Figure[];
};

/** Runs in a process of its own and returns what it measured, by metric. */
export type Variant = (pace: Pace) => Promise<Samples>;
export type Samples = Record<string, number[]>;

/** `quick` asks for as little as shows that the benchmark works. */
export type Pace = { quick: boolean };

/** One line of the table. */
export type Figure = {
  what: string;
  /** The same where sizes are smaller. @default `what` */
  quickWhat?: string;
  /** Name of the metric. Metrics of all variants share one namespace. */
  metric: string;
  unit: "ms" | "µs" | "MB" | "×" | "";
  /** What stands for one process: the middle of its samples, or the largest. @default "p50" */
  take?: "p50" | "max";
  /** The most it may be. Absent: shown for comparison. */
  goal?: number;
};

export type VariantRequest = { variant: string; pace: Pace };
export type VariantAnswer = { samples: Samples } | { failed: string };

/** The last line of a benchmark file: when the file was forked for a variant, runs it and answers. */
export async function answerFork(url: string, benchmark: Benchmark): Promise<void> {
  if (process.argv[1] !== fileURLToPath(url)) return;
  const { variant, pace } = JSON.parse(process.argv[2] ?? "{}") as VariantRequest;
  const run = benchmark.variants[variant];
  if (run === undefined || process.send === undefined) {
    console.error("This file is started by the runner: npm run bench -- <name>");
    process.exit(2);
  }
  const answer: VariantAnswer = await run(pace).then(
    (samples) => ({ samples }),
    (error: unknown) => ({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
  // A thread or a timer that is left doesn't keep the next variant waiting.
  process.send(answer, () => process.exit(0));
}
