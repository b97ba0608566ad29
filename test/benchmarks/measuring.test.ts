import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loopDelayOf } from "../../benchmarks/lib/loop-delay-of.ts";
import { fillWithPastRuns } from "../../benchmarks/lib/past-runs.ts";
import { openPinger } from "../../benchmarks/lib/pinger.ts";
import { probeAt, serveProbe } from "../../benchmarks/lib/probe.ts";
import { sleep } from "../../benchmarks/lib/times.ts";
import { openRegistry } from "../../src/registry/registry.ts";

describe("a host that stalls", () => {
  it("is seen to, by its own loop and by whoever asks it meanwhile", async () => {
    const { url, close } = await serveProbe();
    const probe = probeAt(url);
    const pinger = await openPinger(probe.pingUrl);
    let pings = { p50: 0, p99: 0, max: 0 };
    const work = async () => {
      await sleep(50);
      stall(STALL_MS);
      await sleep(50);
    };
    const delay = await probe.loopDelayOf(async () => (pings = await pinger.beside(work, 1)));
    close();
    expect(delay.max).toBeGreaterThan(STALL_MS * 0.8);
    expect(pings.max).toBeGreaterThan(STALL_MS * 0.8);
    // One every 10 ms, so that many wait; a ping after the other would have been one.
    expect(pings.p99).toBeGreaterThan(STALL_MS * 0.5);
  });

  it("is seen to when it stalls at the very beginning", async () => {
    const delay = await loopDelayOf(async () => stall(STALL_MS));
    expect(delay.max).toBeGreaterThan(STALL_MS * 0.8);
  });

  it("has the CPU that its main thread spent told apart", async () => {
    const { url, close } = await serveProbe();
    const probe = probeAt(url);
    const before = await probe.cpuSoFar();
    stall(STALL_MS);
    const after = await probe.cpuSoFar();
    close();
    expect(after.main - before.main).toBeGreaterThan(0);
    expect(after.others).toBeGreaterThanOrEqual(0);
  });
});

describe("work that is over soon", () => {
  it("is repeated until there were requests enough beside it", async () => {
    let [asked, before, worked] = [0, 0, 0];
    const server = createServer((_request, response) => {
      asked += 1;
      response.end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const pinger = await openPinger(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const work = async () => {
      if (worked === 0) before = asked;
      worked += 1;
      await sleep(1);
    };
    await pinger.beside(work, 50);
    server.close();
    server.closeAllConnections();
    expect(worked).toBeGreaterThan(1);
    expect(asked - before).toBeGreaterThanOrEqual(50);
  });
});

describe("a state directory with past runs", () => {
  it("holds so many settled runs of many sessions, the main one among them", async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "openclaw-inprocess-bench-test-")));
    try {
      await fillWithPastRuns(folder, 2_000);
      const registry = openRegistry({ file: join(folder, "registry.sqlite"), readOnly: true });
      const [main, other] = ["agent:main:main", "agent:main:bench-7"].map((key) =>
        registry.childrenOf(key, { since: 0 }),
      );
      await registry.close();
      // The real one is the main session's too.
      expect([main!.length, other!.length]).toEqual([3, 2]);
      for (const run of [...main!, ...other!]) expect(run).toMatchObject({ state: "settled", delivery: "delivered" });
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

function stall(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const STALL_MS = 400;
