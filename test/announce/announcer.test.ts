import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";

import type { Delivery } from "../../src/announce/announcer.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { A, announce, B, settleIn, STILL, stopTime } from "./support.ts";

describe("completions on their way", () => {
  it("are delivered to their own requester, all that wait for it in one delivery, in the order they settled", async () => {
    const { settle, announcer, calls, delivered } = announce();
    const labels = [settle(A, "one"), settle(A, "two"), settle(B, "three")];
    announcer.nudge(A);
    announcer.nudge(A);
    announcer.nudge(B);
    await expect.poll(() => delivered).toHaveLength(3);
    expect(calls).toEqual([
      [A, ["one", "two"]],
      [B, ["three"]],
    ]);
    expect(labels).toHaveLength(3);
  });

  it("that come while their requester is busy are delivered together once it is not", async () => {
    let answer: Delivery = "busy";
    const { settle, announcer, calls } = announce({ deliver: async () => answer });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => calls.length).toBe(1);
    settle(A, "two");
    announcer.nudge(A);
    await expect.poll(() => calls.length).toBe(2);
    answer = "delivered";
    settle(A, "three");
    announcer.nudge(A);
    await expect.poll(() => calls.length).toBe(3);
    expect(calls.at(-1)).toEqual([A, ["one", "two", "three"]]);
  });

  it("that come while a delivery is under way go with the next one", async () => {
    const first = Promise.withResolvers<Delivery>();
    const { settle, announcer, calls } = announce({
      deliver: async () => (calls.length === 1 ? first.promise : "delivered"),
    });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => calls.length).toBe(1);
    settle(A, "two");
    announcer.nudge(A);
    await sleep(30);
    expect(calls).toHaveLength(1);
    first.resolve("delivered");
    await expect
      .poll(() => calls)
      .toEqual([
        [A, ["one"]],
        [A, ["two"]],
      ]);
  });

  it("are held back while they would come too early", async () => {
    let early = true;
    const { settle, announcer, calls } = announce({ holdBack: () => early });
    settle(A, "one");
    announcer.nudge(A);
    await sleep(30);
    expect(calls).toEqual([]);
    early = false;
    announcer.nudge(A);
    await expect.poll(() => calls).toEqual([[A, ["one"]]]);
  });

  it("go to the requester's own requester when it is gone, and further up", async () => {
    const above: Record<string, string> = { [A]: B, [B]: "agent:main:top" };
    const { settle, announcer, calls, delivered } = announce({
      deliver: async (requester) => (requester === "agent:main:top" ? "delivered" : "gone"),
      requesterOf: (session) => above[session],
    });
    settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => delivered.length).toBe(1);
    expect(calls.map(([requester]) => requester)).toEqual([A, B, "agent:main:top"]);
    expect(delivered[0]!.requesterSessionKey).toBe("agent:main:top");
  });

  it("go at once though the clock was set back since they settled", async () => {
    stopTime();
    const { settle, announcer, calls } = announce();
    settle(A, "one");
    vi.setSystemTime(Date.now() - 3_600_000);
    announcer.nudge(A);
    await expect.poll(() => calls, STILL).toEqual([[A, ["one"]]]);
  });

  it("that aren't all ready go without the others, which go when they are", async () => {
    let late = "one";
    const { settle, announcer, calls } = announce({
      ready: (_requester, rows) => rows.filter(({ completion }) => completion.label !== late),
    });
    settle(A, "one");
    settle(A, "two");
    announcer.nudge(A);
    await expect.poll(() => calls).toEqual([[A, ["two"]]]);
    late = "";
    announcer.nudge(A);
    await expect.poll(() => calls.at(-1)).toEqual([A, ["one"]]);
  });

  it("of a private result don't go to anybody else when the requester is gone", async () => {
    const { settle, announcer, calls, undelivered, delivered } = announce({
      deliver: async (requester) => (requester === B ? "delivered" : "gone"),
      requesterOf: (session) => (session === A ? B : undefined),
    });
    settle(A, "for all");
    settle(A, "private", { completionTarget: "parent" });
    announcer.nudge(A);
    await expect.poll(() => delivered.map((one) => one.label)).toEqual(["for all"]);
    expect(calls).toEqual([
      [A, ["for all", "private"]],
      [B, ["for all"]],
    ]);
    expect(undelivered).toEqual([["private", expect.stringContaining(A)]]);
  });

  it("are given up when nobody is left, and kept to be read", async () => {
    const { settle, announcer, undelivered, registry } = announce({ deliver: async () => "gone" });
    const runId = settle(A, "one");
    announcer.nudge(A);
    await expect.poll(() => undelivered).toEqual([["one", `the session ${A} is gone`]]);
    expect(registry.outbox.byRun(runId)).toMatchObject({ state: "undelivered", completion: { text: "42 words" } });
  });
});

describe("what an earlier process left to be delivered", () => {
  it("is delivered at the start, but for what the transcript has already", async () => {
    const registry = openRegistry({ file: ":memory:" });
    registry.claimOwner();
    settleIn(registry, A, "told before");
    const later = settleIn(registry, A, "untold");
    const { calls, asked } = announce(
      { alreadyDelivered: async (_requester, keys) => keys.filter((key) => !key.includes(later)) },
      registry,
    );
    await expect.poll(() => calls).toEqual([[A, ["untold"]]]);
    expect(asked).toHaveLength(1);
    expect(registry.outbox.counts()).toEqual({ pending: 0, undelivered: 0 });
  });
});

it("an announcer that is closed begins nothing new and waits for what is under way", async () => {
  const first = Promise.withResolvers<Delivery>();
  const { settle, announcer, calls, delivered } = announce({ deliver: () => first.promise });
  settle(A, "one");
  announcer.nudge(A);
  await expect.poll(() => calls.length).toBe(1);
  const closing = announcer.close();
  settle(B, "two");
  announcer.nudge(B);
  first.resolve("delivered");
  await closing;
  await sleep(20);
  expect(delivered.map((one) => one.label)).toEqual(["one"]);
  expect(calls).toHaveLength(1);
});

describe("a requester that was told in a way of its own", () => {
  it("is owed nothing of what arrived, and the rest still", async () => {
    const { settle, announcer, registry, calls, delivered } = announce({ deliver: async () => "busy" });
    const [one, two] = [settle(A, "one"), settle(A, "two")];
    settle(B, "another's");
    announcer.arrived(A, [`key-${one}`, "key-nobody-knows"]);
    expect(delivered.map(({ label, attempts }) => [label, attempts])).toEqual([["one", 1]]);
    expect(registry.outbox.pendingFor(A).map(({ runId }) => runId)).toEqual([two]);
    expect(registry.outbox.pendingFor(B)).toHaveLength(1);
    announcer.arrived(A, [`key-${one}`]);
    expect(delivered).toHaveLength(1);
    expect(calls).toEqual([]);
  });

  it("isn't looked up when nothing arrived", async () => {
    const { announcer, registry, errors } = announce();
    await registry.close();
    announcer.arrived(A, []);
    expect(errors).toEqual([]);
  });

  it("is told twice rather than never when the file can't be written", async () => {
    const { settle, announcer, registry, errors, loggedOf, delivered } = announce();
    const runId = settle(A, "one");
    await registry.close();
    announcer.arrived(A, [`key-${runId}`]);
    expect(errors).toEqual([expect.stringMatching(/^announce: ./)]);
    expect(loggedOf).toEqual([{ requesterSessionKey: A }]);
    expect(delivered).toEqual([]);
  });
});
