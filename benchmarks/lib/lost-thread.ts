/** How soon runs go on whose thread was lost. */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removedAtExit } from "../../test/helpers/removed-at-exit.ts";
import type { Samples } from "./benchmark.ts";
import { openEmbedder, type Embedder } from "./embedder.ts";
import { sleep } from "./times.ts";

/** Milliseconds from the end of a thread to its run's engine at work again, and to the last of those beside it. */
export async function lostThread(beside: number): Promise<Samples> {
  const embedder = await openEmbedder({ config: { engine: ENGINE, pool: { maxThreads: 1 } } });
  await embedder.runtime.warm();
  const folder = removedAtExit(mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-lost-")));
  const files = Array.from({ length: beside }, (_, index) => join(folder, `${index}`));
  const others = files.map((file) => tryAgain(embedder, `#beside=${file}`));
  while (!files.every((file) => existsSync(file))) await sleep(5);
  const [lostAt, onAgain] = await tryAgain(embedder, `#ends=${join(folder, "culprit")}`);
  const ends = await Promise.all(others);
  await embedder.close();
  rmSync(folder, { recursive: true, force: true });
  return { lostAlone: [onAgain - lostAt], lostBeside: [Math.max(...ends.map(([, at]) => at)) - lostAt] };
}

/** When its first try was at work, and when its second is. */
async function tryAgain({ runtime, spawn, requester }: Embedder, marker: string): Promise<[number, number]> {
  const { runId } = await spawn(`lost ${marker}`);
  const { completed } = await runtime.wait([runId], requester, { timeoutMs: 30_000 });
  const [first, second] = completed[0]?.text.split(" ").map(Number) ?? [];
  if (first === undefined || second === undefined) {
    throw new Error(
      `A run didn't go on after its thread was lost: ${completed[0]?.outcome.cause?.message ?? "in time"}`,
    );
  }
  return [first, second];
}

const ENGINE = join(import.meta.dirname, "..", "engines", "ends-its-thread.ts");
