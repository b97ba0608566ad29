import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";

import type { AnnouncerOptions } from "../../src/announce/announcer.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { A, announce, B, settleIn, STILL, stopTime } from "./support.ts";

describe("a delivery that fails", () => {
  it.each<[how: string, deliver: AnnouncerOptions["deliver"], said: string]>([
    ["rejects", () => Promise.reject(new Error("the gateway is restarting")), "the gateway is restarting"],
    [
      "throws",
      () => {
        throw new Error("the gateway is restarting");
      },
      "the gateway is restarting",
    ],
    ["takes too long", () => new Promise(() => undefined), "the host took longer than 50 ms"],
    [
      "answers with nothing",
      async () => undefined as never,
      "the host's deliver() answered undefined, not delivered, busy or gone",
    ],
  ])("because the host %s is tried again, asked for before, and counted", async (_how, failing, said) => {
    const pass = stopTime();
    let works = false;
    const { settle, announcer, registry, calls, asked, warnings, delivered } = announce({
      timeoutMs: 50,
      deliver: async (requester, completions) => (works ? "delivered" : failing(requester, completions)),
    });
    const runId = settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => calls.length, STILL).toBe(1);
    works = true;
    await pass(50);
    await expect.poll(() => registry.outbox.byRun(runId), STILL).toMatchObject({ attempts: 1, lastError: said });
    await pass(1_000);
    await expect.poll(() => delivered.length, STILL).toBe(1);
    expect(calls).toHaveLength(2);
    expect(asked).toEqual([[`key-${runId}`]]);
    expect(delivered[0]!.attempts).toBe(2);
    expect(warnings).toEqual([`a completion could not be delivered, will try again: ${said}`]);
  });

  it("isn't repeated before its time, whatever its requester does meanwhile, and keeps nothing else waiting", async () => {
    const pass = stopTime();
    let works = false;
    const { settle, announcer, registry, calls, delivered } = announce({
      deliver: async () => {
        if (works) return "delivered";
        throw new Error("its turn failed");
      },
    });
    const runId = settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    works = true;
    await pass(999);
    announcer.nudge(A);
    await sleep(20);
    settle(A, "two");
    announcer.nudge(A);
    await expect.poll(() => delivered.length, STILL).toBe(1);
    await pass(1);
    await expect.poll(() => delivered.length, STILL).toBe(2);
    expect(calls).toEqual([
      [A, ["one"]],
      [A, ["two"]],
      [A, ["one"]],
    ]);
  });

  it("isn't repeated when the requester's transcript has its key already", async () => {
    const pass = stopTime();
    const { settle, announcer, registry, calls, delivered } = announce({
      deliver: () => Promise.reject(new Error("the answer was lost, the delivery was not")),
      alreadyDelivered: async (_requester, keys) => keys,
    });
    const runId = settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    await pass(1_000);
    await expect.poll(() => delivered.length, STILL).toBe(1);
    expect(calls).toHaveLength(1);
  });

  it("is repeated by itself though another requester stays busy or held back meanwhile", async () => {
    const pass = stopTime();
    let works = false;
    const { settle, announcer, registry, delivered } = announce({
      holdBack: (requester) => requester === A,
      deliver: async () => {
        if (works) return "delivered";
        works = true;
        throw new Error("just this once");
      },
    });
    settle(A, "held back");
    announcer.nudge(A);
    await sleep(20);
    const runId = settle(B, "failed once");
    announcer.nudge(B);
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    await pass(1_000);
    await expect.poll(() => delivered.map((one) => one.label), STILL).toEqual(["failed once"]);
  });
});

describe("a delivery that goes on failing", () => {
  it("for over half an hour is given up, said so, and kept to be read", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const { announcer, registry, settle, calls, warnings, undelivered } = announce({
      deliver: () => Promise.reject(new Error("still no gateway")),
    });
    const runId = settle(A, "one");
    announcer.nudge(A);
    for (let tries = 1; tries <= 3; tries++) {
      await expect.poll(() => registry.outbox.byRun(runId)!.attempts).toBe(tries);
      vi.setSystemTime(Date.now() + 11 * 60_000);
      announcer.nudge(A);
    }
    await expect.poll(() => undelivered).toEqual([["one", "still no gateway"]]);
    expect(calls).toHaveLength(4);
    expect(registry.outbox.byRun(runId)).toMatchObject({ state: "undelivered", lastError: "still no gateway" });
    expect(warnings).toHaveLength(3);
  });

  it("only since a moment ago is repeated, however long ago its run settled", async () => {
    const pass = stopTime();
    let tries = 0;
    const registry = openRegistry({ file: ":memory:" });
    registry.claimOwner();
    const runId = settleIn(registry, A, "ended while the gateway was down", Date.now() - 31 * 60_000);
    const { delivered, undelivered } = announce(
      {
        deliver: async () => {
          if (++tries > 1) return "delivered";
          throw new Error("the gateway is starting");
        },
      },
      registry,
    );
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    await pass(1_000);
    await expect.poll(() => delivered.length + undelivered.length, STILL).toBe(1);
    expect(delivered[0]).toMatchObject({ label: "ended while the gateway was down", attempts: 2 });
  });
});
