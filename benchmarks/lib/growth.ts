/** What a child costs, one size at a time: each in a process of its own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removedAtExit } from "../../test/helpers/removed-at-exit.ts";
import type { Samples } from "./benchmark.ts";
import { cpuOf } from "./cpu.ts";
import { openEmbedder, type EmbedderOptions } from "./embedder.ts";
import { fillWithPastRuns } from "./past-runs.ts";
import { idsOf, sleep } from "./times.ts";

export type Growth = { key: string; title: string; x: string; steps: Step[] };

export type Step = {
  /** On the axis. */
  size: number;
  /** In the table. */
  shown: string;
  /** At once. */
  children: number;
  rounds: number;
  watched?: boolean;
  pastRuns?: number;
} & Pick<EmbedderOptions, "model" | "files">;

export function growthsOf(quick: boolean): Growth[] {
  return [
    {
      key: "answer",
      title: "by the length of its answer",
      x: "bytes of the answer",
      steps: (quick ? [200, 400] : [200, 50_000, 200_000, 800_000]).map((size) => ({
        size,
        shown: size < 1_000 ? `${size} B` : `${size / 1_000} KB`,
        children: quick ? 2 : size > 200_000 ? 4 : 16,
        rounds: quick || size > 200_000 ? 1 : size < 1_000 ? 12 : 2,
        model: { answerBytes: size },
      })),
    },
    {
      key: "transcript",
      title: "by the length of its transcript",
      x: "turns, each but the last with a tool result of 4 KB",
      steps: (quick ? [2] : [1, 4, 16, 64]).map((size) => ({
        size,
        shown: `${size} ${size === 1 ? "turn" : "turns"}`,
        children: quick ? 1 : 4,
        rounds: quick || size > 16 ? 1 : 4,
        model: { toolCall: { name: "read", args: { path: "page.txt" }, times: size - 1 } },
        files: { "page.txt": "A line of the page that is read at each turn.\n".repeat(90) },
      })),
    },
    {
      key: "past",
      title: "by the number of runs that are over",
      x: "past runs in the registry",
      steps: (quick ? [5] : [1, 1_000, 100_000]).map((size) => ({
        size,
        shown: `${(size === 1 ? 0 : size).toLocaleString("en")} runs`,
        children: quick ? 1 : 16,
        rounds: quick ? 1 : 8,
        pastRuns: size === 1 ? 0 : size,
      })),
    },
    {
      key: "children",
      title: "by the number of children at once",
      x: "children at once",
      steps: (quick ? [1] : [1, 4, 16, 64]).map((size) => ({
        size,
        shown: `${size} ${size === 1 ? "child" : "children"}`,
        children: size,
        rounds: quick ? 1 : Math.max(2, Math.round(48 / size)),
      })),
    },
  ];
}

/** CPU a child in milliseconds (`main` thread, `total` of the process), `rss` of the process at its peak in megabytes. */
export async function costOf({ key }: Growth, step: Step, quick: boolean): Promise<Samples> {
  const folder = removedAtExit(mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-state-")));
  try {
    const stateDir = join(folder, "state");
    if (step.pastRuns) await fillWithPastRuns(stateDir, step.pastRuns);
    const { main, total } = await cpuAChild(step, stateDir, quick);
    const name = `${key}.${step.size}`;
    const rss = process.resourceUsage().maxRSS / 1024;
    return { [`${name}.main`]: main, [`${name}.total`]: total, [`${name}.rss`]: [rss] };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function cpuAChild(step: Step, stateDir: string, quick: boolean): Promise<{ main: number[]; total: number[] }> {
  const { children, rounds, watched = false, model = {}, files = {} } = step;
  const embedder = await openEmbedder({ model, files, stateDir });
  await embedder.runtime.warm();
  if (watched) {
    void (async () => {
      for await (const _event of embedder.runtime.events({ text: true }));
    })();
  }
  for (let n = 0; n < (quick ? 0 : 2); n += 1)
    await embedder.round(idsOf(`warm-up-${n}`, Math.min(8, Math.max(4, children))));
  const [main, total]: [number[], number[]] = [[], []];
  for (let n = 0; n < rounds; n += 1) {
    await sleep(quick ? 0 : 50);
    const cpu = await cpuOf(() => embedder.round(idsOf(`${n}`, children)));
    main.push(cpu.main / children);
    total.push((cpu.main + cpu.others) / children);
  }
  await embedder.close();
  return { main, total };
}
