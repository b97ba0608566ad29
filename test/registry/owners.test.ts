import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";

import { isDead, LEASE_MS, RENEW_MS } from "../../src/registry/owners.ts";
import type { OwnerRow } from "../../src/registry/owners.ts";
import { lookAtProcess, thisProcess } from "../../src/registry/process-identity.ts";
import { openForTest, openOwned, STORES } from "./support.ts";

afterEach(() => void vi.useRealTimers());

describe.each(STORES)("owner rows in $name", ({ file }) => {
  test("claiming writes who this is, releasing takes it away", () => {
    const registry = openForTest({ file: file() });
    expect(registry.owners()).toEqual([]);
    registry.claimOwner(1_000);
    expect(registry.owners()).toEqual([{ id: registry.ownerId, leaseUntil: 1_000 + LEASE_MS, ...thisProcess() }]);
    registry.releaseOwner();
    registry.releaseOwner();
    expect(registry.owners()).toEqual([]);
  });

  test("the lease is renewed as time passes, until it is released", () => {
    vi.useFakeTimers({ now: 1_000_000 });
    const registry = openOwned(file());
    vi.advanceTimersByTime(10 * RENEW_MS);
    expect(registry.owners()).toMatchObject([{ leaseUntil: 1_000_000 + 10 * RENEW_MS + LEASE_MS }]);
    registry.releaseOwner();
    vi.advanceTimersByTime(10 * RENEW_MS);
    expect(registry.owners()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an owner", () => {
  const here = { now: 1_000_000, host: "here", bootedAt: 500_000 };
  const owner: OwnerRow = { id: "o", pid: 7, host: "here", startTime: "boot/1", leaseUntil: here.now + 1 };
  const { startTime: _startTime, ...unknownStart } = owner;
  const over = { leaseUntil: here.now - 1 };
  const rebooted = { leaseUntil: here.bootedAt - 1_000 };
  const same = { alive: true, startTime: "boot/1" };
  const other = { alive: true, startTime: "boot/2" };

  test.each([
    ["whose process runs lives", owner, same, false],
    ["whose process is gone from this host is dead before its lease ends", owner, { alive: false }, true],
    ["of another host lives as long as its lease", { ...owner, host: "there" }, { alive: false }, false],
    ["of another host is dead after it", { ...owner, host: "there", ...over }, { alive: false }, true],
    ["on a machine that slept lives, though its lease is over", { ...owner, ...over }, same, false],
    ["on a machine that slept and changed its name lives", { ...owner, ...over, host: "renamed" }, same, false],
    ["whose pid another process has lives until its lease ends", owner, other, false],
    ["whose pid another process has is dead after it", { ...owner, ...over }, other, true],
    ["without a start time lives while its pid does", { ...unknownStart, ...over }, { alive: true }, false],
    [
      "without a start time is dead when it was last seen before the boot",
      { ...unknownStart, ...rebooted },
      { alive: true },
      true,
    ],
  ] as const)("%s", (_title, row, sight, dead) => {
    expect(isDead(row, sight, here)).toBe(dead);
  });
});

test("a process is seen alive, and gone once it ended", async () => {
  expect(lookAtProcess(process.pid).alive).toBe(true);
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  expect(lookAtProcess(child.pid!).alive).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(lookAtProcess(child.pid!).alive).toBe(false);
});

test.runIf(process.platform === "linux")("two processes with one pid are told apart by when they started", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  const seen = lookAtProcess(child.pid!);
  expect(seen.startTime).toMatch(/^[0-9a-f-]{36}\/\d+$/);
  expect(lookAtProcess(child.pid!)).toEqual(seen);
  expect(thisProcess().startTime).not.toBe(seen.startTime);
  child.kill("SIGKILL");
  await once(child, "exit");
});
