import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEmbedder, type Embedder } from "../../benchmarks/lib/embedder.ts";
import { median } from "../../benchmarks/lib/statistics.ts";
import { now } from "../../benchmarks/lib/times.ts";

/**
 * Ratios within this run, never times: whatever the machine does meets both ways alike, because their rounds take turns.
 * Over a WebSocket with a connection for each call, the same spawn takes several times as long.
 */
describe("a spawn in process, beside the same spawn over a WebSocket with a connection for each call", () => {
  let inProcess: Way;
  let overWebSocket: Way;

  beforeAll(async () => {
    [inProcess, overWebSocket] = [await openWay("in-process"), await openWay("per-call")];
    for (let n = 0; n < WARM_UPS; n += 1)
      for (const way of [inProcess, overWebSocket]) await spawnOne(way, `warm-up-${n}`);
    for (const way of [inProcess, overWebSocket]) way.accepted.length = way.firstRequest.length = 0;
    for (let n = 0; n < ROUNDS; n += 1) {
      const ways = n % 2 === 0 ? [inProcess, overWebSocket] : [overWebSocket, inProcess];
      for (const way of ways) await spawnOne(way, `${n}`);
    }
  });

  afterAll(async () => {
    for (const way of [inProcess, overWebSocket]) await way.embedder.close();
  });

  it("is accepted no later", () => {
    expect(median(inProcess.accepted)).toBeLessThan(median(overWebSocket.accepted));
  });

  it("has its child at the model no later", () => {
    expect(median(inProcess.firstRequest)).toBeLessThan(median(overWebSocket.firstRequest));
  });
});

type Way = { embedder: Embedder; accepted: number[]; firstRequest: number[] };

async function openWay(transport: "in-process" | "per-call"): Promise<Way> {
  const embedder = await openEmbedder({ transport, config: { pool: { minThreads: 1, maxThreads: 1 } } });
  await embedder.runtime.warm();
  return { embedder, accepted: [], firstRequest: [] };
}

async function spawnOne({ embedder, accepted, firstRequest }: Way, id: string): Promise<void> {
  const called = now();
  const run = await embedder.spawn(id);
  accepted.push(now() - called);
  await embedder.handedOver(run);
  firstRequest.push((await embedder.times())[id]!.arrived[0]! - called);
}

const WARM_UPS = 5;
const ROUNDS = 25;
