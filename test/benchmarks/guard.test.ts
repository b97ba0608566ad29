import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openEmbedder, type Embedder, type Transport } from "../../benchmarks/lib/embedder.ts";
import { median } from "../../benchmarks/lib/statistics.ts";
import { now } from "../../benchmarks/lib/times.ts";

/**
 * Ratios within this run, never times: whatever the machine does meets all ways alike, because their rounds take turns.
 * The shares leave room above what `npm run bench -- spawn-latency` showed: 0.08, 0.40, 0.32 and 0.85.
 */
describe("a spawn in process, beside the same spawn over a WebSocket", () => {
  const ways = new Map<Transport, Way>();

  beforeAll(async () => {
    for (const transport of TRANSPORTS) ways.set(transport, await openWay(transport));
    for (let n = 0; n < WARM_UPS; n += 1) for (const way of ways.values()) await spawnOne(way, `warm-up-${n}`);
    for (const way of ways.values()) way.accepted.length = way.firstRequest.length = 0;
    for (let n = 0; n < ROUNDS; n += 1) {
      const order = n % 2 === 0 ? TRANSPORTS : TRANSPORTS.toReversed();
      for (const transport of order) await spawnOne(ways.get(transport)!, `${n}`);
    }
  });

  afterAll(async () => {
    for (const { embedder } of ways.values()) await embedder.close();
  });

  it.each([
    { transport: "per-call", what: "accepted", share: 0.2 },
    { transport: "per-call", what: "firstRequest", share: 0.7 },
    { transport: "kept", what: "accepted", share: 0.6 },
    { transport: "kept", what: "firstRequest", share: 1 },
  ] as const)("takes at most $share of the time until $what that it takes $transport", ({ transport, what, share }) => {
    const [own, other] = [ways.get("in-process")!, ways.get(transport)!];
    expect(median(own[what])).toBeLessThan(share * median(other[what]));
  });
});

type Way = { embedder: Embedder; accepted: number[]; firstRequest: number[] };

async function openWay(transport: Transport): Promise<Way> {
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

const TRANSPORTS: readonly Transport[] = ["in-process", "kept", "per-call"];
const WARM_UPS = 5;
const ROUNDS = 25;
