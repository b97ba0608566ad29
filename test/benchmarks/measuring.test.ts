import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fillWithPastRuns } from "../../benchmarks/lib/past-runs.ts";
import { pingsDuring } from "../../benchmarks/lib/pinger.ts";
import { probeAt, serveProbe } from "../../benchmarks/lib/probe.ts";
import { sleep } from "../../benchmarks/lib/times.ts";
import { openRegistry } from "../../src/registry/registry.ts";

describe("a host that stalls", () => {
  it("is seen to, by its own loop and by whoever asks it meanwhile", async () => {
    const { url, close } = await serveProbe();
    const probe = probeAt(url);
    let delay = { p50: 0, p99: 0, max: 0 };
    const pings = await pingsDuring(probe.pingUrl, async () => {
      delay = await probe.loopDelayOf(async () => {
        await sleep(50);
        stall(STALL_MS);
        await sleep(50);
      });
    });
    close();
    expect(delay.max).toBeGreaterThan(STALL_MS * 0.8);
    expect(pings.max).toBeGreaterThan(STALL_MS * 0.8);
    // One every 10 ms, so that many wait; a ping after the other would have been one.
    expect(pings.p99).toBeGreaterThan(STALL_MS * 0.5);
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
