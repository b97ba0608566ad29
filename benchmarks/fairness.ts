import { join } from "node:path";
import type { RunEvent } from "../src/index.ts";
import { answerFork, type Benchmark, type LinePanel, type Pace, type Samples } from "./lib/benchmark.ts";
import { openEmbedder, requesterOf, type Embedder } from "./lib/embedder.ts";

export function benchmark({ quick }: Pace): Benchmark {
  const counts = quick ? [1, 2] : [1, 5, 10, 20];
  const most = counts.at(-1)!;
  const row = (what: string, measure: string) => ({ what, cells: counts.map((n) => [`${measure}.${n}`]) });
  const panel = (title: string, unit: string, series: { name: string; measure: string }[]): LinePanel => ({
    kind: "lines",
    title,
    x: { label: `orchestrators with ${CHILDREN} children each`, values: counts },
    y: { label: unit },
    series: series.map(({ name, measure }) => ({ name, metrics: counts.map((n) => `${measure}.${n}`) })),
  });
  return {
    question: `One child of another session, spawned when one session's orchestrators have filled the lane: a slot for each of them, every child works ${workMs(quick)} ms.`,
    rounds: 20,
    variants: Object.fromEntries(counts.map((n) => [`${n}`, () => beside(n, quick)])),
    figures: [
      {
        what: `beside ${most} orchestrators of one session with ${CHILDREN} children each: turns of a slot until one child of another session starts`,
        metric: `turns.${most}`,
        unit: "×",
        goal: 1,
        take: "max",
      },
      { what: "jobs that have to end before it starts", metric: `ahead.${most}`, unit: "", goal: 2, take: "max" },
      { what: "children in the lane when it came", metric: `queued.${most}`, unit: "" },
    ],
    tables: [
      {
        title: "orchestrators",
        columns: counts.map(String),
        rows: [
          row("children in the lane when it came", "queued"),
          row("jobs that have to end before it starts", "ahead"),
          row("spawn call → started, ms", "waited"),
          row("the same in turns of a slot", "turns"),
        ],
      },
    ],
    plot: {
      title: "Another session's one child behind orchestrators that fill the lane",
      panels: [
        panel("What has to end before it", "jobs", [
          { name: "in the lane when it came", measure: "queued" },
          { name: "before it", measure: "ahead" },
        ]),
        panel("Spawn call → started", "turns of a slot", [{ name: "waited", measure: "turns" }]),
      ],
    },
  };
}

async function beside(orchestrators: number, quick: boolean): Promise<Samples> {
  const ms = workMs(quick);
  const samples: Record<string, number[]> = { queued: [], ahead: [], waited: [], turns: [] };
  for (let n = 0; n < (quick ? 1 : TIMES); n += 1) {
    const embedder = await openEmbedder({
      config: {
        engine: ENGINE,
        pool: { runsPerThread: 64 },
        limits: { maxConcurrent: orchestrators, maxSpawnDepth: 2 },
      },
    });
    await embedder.runtime.warm();
    const { queued, ahead, waited } = await oneMore(embedder, orchestrators, ms);
    samples["queued"]!.push(queued);
    samples["ahead"]!.push(ahead);
    samples["waited"]!.push(waited);
    samples["turns"]!.push(waited / ms);
    await embedder.close();
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [`${name}.${orchestrators}`, values]));
}

/** The runs of one session fill the lane, then another session spawns one. */
async function oneMore({ runtime }: Embedder, orchestrators: number, ms: number) {
  const events = listen(runtime.events());
  const spawn = (task: string, session: number) => runtime.spawn({ task }, requesterOf(session));
  const trees = await Promise.all(
    Array.from({ length: orchestrators }, () => spawn(`children=${CHILDREN} ms=${ms}`, 0)),
  );
  const isLeaf = (event: RunEvent): boolean => event.requesterSessionKey !== requesterOf(0).sessionKey;
  const count = (type: RunEvent["type"]): number =>
    events.seen.filter((one) => one.type === type && isLeaf(one)).length;
  await events.until(() => count("accepted") === orchestrators * CHILDREN);
  // Orchestrators that are over have left their slots to children.
  await events.until(() => count("started") >= orchestrators);
  const { queued } = runtime.stats().runs;
  const called = performance.now();
  const other = await spawn(`ms=${ms}`, 1);
  if (other.status !== "accepted") throw new Error(`The other session's child wasn't accepted: ${other.error}`);
  const ids = new Set([other.runId, ...trees.flatMap((run) => (run.status === "accepted" ? [run.runId] : []))]);
  let waited = 0;
  await events.until((event) => {
    if (event.type !== "started" || event.runId !== other.runId) return false;
    waited = performance.now() - called;
    return true;
  });
  await events.until(() => new Set(settledOf(events.seen).filter((id) => ids.has(id))).size === ids.size);
  return { queued, ahead: other.queuePosition ?? 0, waited };
}

function settledOf(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => (event.type === "settled" ? [event.runId] : []));
}

/** Collects events, and wakes whoever waits for one. */
function listen(events: AsyncIterable<RunEvent>) {
  const seen: RunEvent[] = [];
  let wake: ((event: RunEvent) => void) | undefined;
  void (async () => {
    for await (const event of events) {
      seen.push(event);
      wake?.(event);
    }
  })();
  /** Asked of the last event there was, and of each that comes. */
  const until = (isIt: (event: RunEvent) => boolean): Promise<void> =>
    new Promise((resolve) => {
      wake = (event) => {
        if (!isIt(event)) return;
        wake = undefined;
        resolve();
      };
      const last = seen.at(-1);
      if (last !== undefined) wake(last);
    });
  return { seen, until };
}

/** What a child works, and so what one turn of a slot lasts. */
function workMs(quick: boolean): number {
  return quick ? 40 : 200;
}

/** Fresh runtimes in a process. */
const TIMES = 3;
/** Of each orchestrator. */
const CHILDREN = 10;
const ENGINE = join(import.meta.dirname, "engines", "works-a-slots-turn.ts");

await answerFork(import.meta.url, benchmark);
