import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";

import type { Delivery } from "../../src/announce/announcer.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { A, announce, B, settleIn, STILL, stopTime } from "./support.ts";

const MINUTE = 60_000;

describe("a delivery that fails again and again", () => {
  it("is tried by itself after a second, then after twice as long each time, and at least once a minute", async () => {
    const pass = stopTime();
    const { settle, announcer, registry, loggedOf } = announce({ deliver: failing });
    const runId = settle(A, "one");
    announcer.nudge(A);
    const waits: number[] = [];
    for (let tries = 1; tries <= 9; tries++) {
      await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(tries);
      waits.push(registry.outbox.byRun(runId)!.nextAttemptAt - Date.now());
      await pass(waits.at(-1)!);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
    expect(loggedOf[0]).toEqual({ runIds: [runId] });
  });

  it("is given up when it fails after half an hour, not when it just has", async () => {
    stopTime();
    const { settle, announcer, registry, warnings, undelivered } = announce({ deliver: failing });
    const runId = settle(A, "one");
    const first = Date.now();
    announcer.nudge(A);
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    vi.setSystemTime(first + 30 * MINUTE);
    announcer.nudge(A);
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(2);
    expect(undelivered).toEqual([]);
    vi.setSystemTime(first + 31 * MINUTE);
    const later = settle(A, "two");
    announcer.nudge(A);
    await expect.poll(() => undelivered, STILL).toEqual([["one", "no gateway"]]);
    // What failed for the first time just now goes on.
    expect(registry.outbox.byRun(later)).toMatchObject({ state: "pending", attempts: 1 });
    expect(warnings).toHaveLength(3);
  });

  it("has its half hour anew with the requester it goes to when its own is gone", async () => {
    stopTime();
    const first = Date.now();
    let gone = false;
    const { settle, announcer, registry, undelivered } = announce({
      deliver: async (requester) => (gone && requester === A ? "gone" : failing()),
      requesterOf: (session) => (session === A ? B : undefined),
    });
    const runId = settle(A, "one");
    const row = () => registry.outbox.byRun(runId)!;
    announcer.nudge(A);
    await expect.poll(() => row().attempts, STILL).toBe(1);
    gone = true;
    vi.setSystemTime(first + 29 * MINUTE);
    announcer.nudge(A);
    await expect.poll(row, STILL).toMatchObject({ requesterSessionKey: B, attempts: 1 });
    vi.setSystemTime(first + 32 * MINUTE);
    announcer.nudge(B);
    await expect.poll(row, STILL).toMatchObject({ attempts: 2 });
    expect(undelivered).toEqual([]);
  });

  it("isn't tried any more by an announcer that is closed", async () => {
    const pass = stopTime();
    const { settle, announcer, registry, calls } = announce({ deliver: failing });
    for (const requester of [A, B]) {
      const runId = settle(requester, "one");
      announcer.nudge(requester);
      await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    }
    // One clock for all.
    expect(vi.getTimerCount()).toBe(1);
    await announcer.close();
    expect(vi.getTimerCount()).toBe(0);
    await pass(MINUTE);
    await sleep(20);
    expect(calls).toHaveLength(2);
  });

  it("while the announcer is being closed is left to the next process, which waits for its time", async () => {
    const pass = stopTime();
    const answer = Promise.withResolvers<Delivery>();
    const { settle, announcer, registry, calls } = announce({ deliver: () => answer.promise });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => calls.length, STILL).toBe(1);
    const closing = announcer.close();
    answer.reject(new Error("no gateway"));
    await closing;
    expect(vi.getTimerCount()).toBe(0);
    const next = announce({}, registry);
    await pass(999);
    await sleep(20);
    expect(next.calls).toEqual([]);
    await pass(1);
    await expect.poll(() => next.calls, STILL).toEqual([[A, ["one"]]]);
  });
});

describe("a look into the requester's transcript", () => {
  it.each<[how: string, look: () => Promise<string[]>]>([
    ["fails", () => Promise.reject(new Error("no such file"))],
    ["takes too long", () => new Promise(() => undefined)],
  ])("that %s keeps nothing from being delivered", async (_how, look) => {
    const pass = stopTime();
    let works = false;
    const { settle, announcer, registry, asked, delivered } = announce({
      timeoutMs: 50,
      deliver: async () => (works ? "delivered" : failing()),
      alreadyDelivered: look,
    });
    const runId = settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => registry.outbox.byRun(runId)!.attempts, STILL).toBe(1);
    works = true;
    await pass(1_000);
    await expect.poll(() => asked.length, STILL).toBe(1);
    await pass(50);
    await expect.poll(() => delivered.map(({ label, attempts }) => [label, attempts]), STILL).toEqual([["one", 2]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is for those alone that may have come through before", async () => {
    stopTime();
    const registry = openRegistry({ file: ":memory:" });
    registry.claimOwner();
    const old = settleIn(registry, A, "of before");
    let works = false;
    const { settle, announcer, asked, calls } = announce(
      { deliver: async () => (works ? "delivered" : failing()) },
      registry,
    );
    const fresh = settle(A, "new");
    announcer.nudge(A);
    await expect.poll(() => registry.outbox.byRun(fresh)!.attempts, STILL).toBe(1);
    expect(asked).toEqual([[`key-${old}`]]);
    works = true;
    vi.setSystemTime(Date.now() + MINUTE);
    settle(A, "newest");
    announcer.nudge(A);
    await expect.poll(() => calls.at(-1), STILL).toEqual([A, ["of before", "new", "newest"]]);
    expect(asked[1]).toEqual([`key-${old}`, `key-${fresh}`]);
  });
});

describe("a requester that can't take anything now", () => {
  it("is asked again by itself every five seconds, however often it is nudged meanwhile", async () => {
    const pass = stopTime();
    let answer: Delivery = "busy";
    const { settle, announcer, calls, delivered, warnings } = announce({ deliver: async () => answer });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => calls.length, STILL).toBe(1);
    announcer.nudge(A);
    await expect.poll(() => calls.length, STILL).toBe(2);
    await pass(4_999);
    await sleep(20);
    expect(calls).toHaveLength(2);
    await pass(1);
    await expect.poll(() => calls.length, STILL).toBe(3);
    await pass(4_999);
    answer = "delivered";
    await pass(1);
    await expect.poll(() => delivered.length, STILL).toBe(1);
    await pass(MINUTE);
    await sleep(20);
    expect(calls).toHaveLength(4);
    expect(delivered[0]!.attempts).toBe(1);
    expect(warnings).toEqual([]);
  });

  it("is looked at again every five seconds while something of its isn't ready, and then no more", async () => {
    const pass = stopTime();
    const seen: [requester: string, rows: number][] = [];
    let ready = false;
    const { settle, announcer, calls } = announce({
      ready: (requester, rows) => {
        seen.push([requester, rows.length]);
        return ready ? rows : [];
      },
    });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => seen, STILL).toEqual([[A, 1]]);
    await pass(5_000);
    await expect.poll(() => seen.length, STILL).toBe(2);
    ready = true;
    await pass(5_000);
    await expect.poll(() => calls, STILL).toEqual([[A, ["one"]]]);
    await pass(MINUTE);
    await sleep(20);
    expect(seen).toHaveLength(3);
  });

  it("or of which the host can't say so: that is logged, and the next nudge asks anew", async () => {
    let broken = true;
    const { settle, announcer, errors, loggedOf, delivered } = announce({
      holdBack: () => {
        if (broken) throw new Error("nobody knows");
        return false;
      },
    });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => errors).toEqual(["announce: nobody knows"]);
    expect(loggedOf).toEqual([{ requesterSessionKey: A }]);
    broken = false;
    announcer.nudge(A);
    await expect.poll(() => delivered.length).toBe(1);
  });

  it("and is gone keeps what was for it alone to itself, and nobody is woken for that", async () => {
    const looked: string[] = [];
    const { settle, announcer, calls, undelivered } = announce({
      deliver: async () => "gone",
      requesterOf: () => B,
      ready: (requester, rows) => {
        looked.push(requester);
        return rows;
      },
    });
    settle(A, "private", { completionTarget: "parent" });
    announcer.nudge(A);
    const reason = `the session ${A} is gone, and the result was for it alone`;
    await expect.poll(() => undelivered).toEqual([["private", reason]]);
    await sleep(20);
    expect(calls).toEqual([[A, ["private"]]]);
    expect(looked).toEqual([A]);
  });
});

function failing(): Promise<Delivery> {
  return Promise.reject(new Error("no gateway"));
}
