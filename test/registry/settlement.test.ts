import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { cutBytes, RESULT_BYTES } from "../../src/registry/run-row.ts";
import type { Registry } from "../../src/registry/registry.ts";
import type { RunState } from "../../src/types.ts";
import { completionOf, LIMITS, newRun, settlementOf, USAGE } from "./fixtures/rows.ts";
import { openOwned, STORES } from "./support.ts";

const ALLOWED: Record<RunState, RunState[]> = {
  queued: ["running"],
  running: ["waiting"],
  waiting: ["running"],
  settled: [],
};
const STATES = Object.keys(ALLOWED) as RunState[];

describe.each(STORES)("states and settlement in $name", ({ file }) => {
  const transitions = STATES.flatMap((from) => STATES.map((to) => ({ from, to })));

  test.each(transitions)("$from to $to", ({ from, to }) => {
    const registry = openOwned(file());
    const runId = admitIn(registry, from);
    if (ALLOWED[from].includes(to)) {
      registry.setState(runId, to, 50);
      expect(registry.run(runId)?.state).toBe(to);
    } else {
      expect(() => registry.setState(runId, to, 50)).toThrow(expect.objectContaining({ code: "internal" }));
      expect(registry.run(runId)?.state).toBe(from);
    }
  });

  test("a run that was never admitted has no state to set", () => {
    expect(() => openOwned(file()).setState("nobody", "running", 1)).toThrow(/nobody, which isn't a run/);
  });

  test("the start is when it first ran, not when it went on after waiting", () => {
    const registry = openOwned(file());
    const runId = admitIn(registry, "queued");
    registry.setState(runId, "running", 10);
    registry.setState(runId, "waiting", 20);
    registry.setState(runId, "running", 30);
    expect(registry.run(runId)?.startedAt).toBe(10);
  });

  test("an answer in the form that was asked for stands with its run, and isn't carried by lists", () => {
    const registry = openOwned(file());
    const [good, bad] = [newRun(), newRun()];
    for (const run of [good, bad]) registry.admit(run, LIMITS);
    const structured = { words: [42, null], é: "ü" };
    registry.settle([settlementOf(good, { structured }), settlementOf(bad, { schemaError: "words is no list" })]);
    expect(registry.run(good.runId)?.structured).toEqual(structured);
    expect(registry.run(good.runId)).not.toHaveProperty("schemaError");
    expect(registry.run(bad.runId)).toMatchObject({ schemaError: "words is no list", text: "42 words" });
    expect(registry.run(bad.runId)).not.toHaveProperty("structured");
    const listed = registry.listRuns();
    expect(listed.map((run) => run.schemaError)).toEqual(["words is no list", undefined]);
    expect(listed.some((run) => "structured" in run)).toBe(false);
  });

  test("settling writes the outcome and what it owes together", () => {
    const registry = openOwned(file());
    const run = newRun({ model: "demo/asked" });
    registry.admit(run, LIMITS);
    const cause = { code: "model_error", message: "the server said 500" } as const;
    const completion = completionOf(run, { outcome: { status: "error", cause }, structured: { a: [1] } });
    const outcome = { status: "error", cause } as const;
    expect(registry.settle([settlementOf(run, { outcome, model: "demo/answered", completion })])).toEqual({
      settled: [run.runId],
      already: [],
      unknown: [],
    });
    expect(registry.run(run.runId)).toMatchObject({
      state: "settled",
      outcome,
      usage: USAGE,
      text: "42 words",
      textBytesCut: 0,
      model: "demo/answered",
      endedAt: 2_000,
      delivery: "pending",
    });
    expect(registry.outbox.due(2_000).map((row) => row.completion)).toEqual([completion]);
  });

  test("a run settles once: the first outcome stays, and nothing is owed twice", () => {
    const registry = openOwned(file());
    const [once, fresh] = [newRun(), newRun()];
    registry.admit(once, LIMITS);
    registry.admit(fresh, LIMITS);
    registry.settle([settlementOf(once)]);
    const killed = settlementOf(once, { outcome: { status: "killed", cause: { code: "run_killed", message: "m" } } });
    expect(
      registry.settle([killed, settlementOf(fresh), settlementOf(fresh), settlementOf(newRun({ runId: "no" }))]),
    ).toEqual({
      settled: [fresh.runId],
      already: [once.runId, fresh.runId],
      unknown: ["no"],
    });
    expect(registry.run(once.runId)?.outcome).toEqual({ status: "ok" });
    expect(registry.outbox.counts()).toEqual({ pending: 2, undelivered: 0 });
  });

  test("without a completion nothing is owed", () => {
    const registry = openOwned(file());
    const run = newRun();
    registry.admit(run, LIMITS);
    const { completion: _none, ...settlement } = settlementOf(run);
    registry.settle([settlement]);
    expect(registry.run(run.runId)?.delivery).toBe("none");
    expect(registry.outbox.nextDue()).toBeUndefined();
  });

  test("a batch that can't be written is not written at all", () => {
    const registry = openOwned(file());
    const [a, b] = [newRun(), newRun()];
    registry.admit(a, LIMITS);
    registry.admit(b, LIMITS);
    const sameKey = settlementOf(b, { completion: completionOf(b, { key: completionOf(a).key }) });
    expect(() => registry.settle([settlementOf(a), sameKey])).toThrow(/UNIQUE/);
    expect(registry.unsettledChildren(a.requesterSessionKey)).toHaveLength(2);
    expect(registry.settle([settlementOf(a), settlementOf(b)]).settled).toHaveLength(2);
  });

  test("an answer above 256 KiB is cut, and how much is said", () => {
    const registry = openOwned(file());
    const run = newRun();
    registry.admit(run, LIMITS);
    registry.settle([settlementOf(run, { text: "é".repeat(RESULT_BYTES) })]);
    const kept = registry.run(run.runId);
    expect(Buffer.byteLength(kept?.text ?? "")).toBe(RESULT_BYTES);
    expect(kept?.textBytesCut).toBe(RESULT_BYTES);
  });

  test("an answer with a NUL in it is kept to its end", () => {
    const registry = openOwned(file());
    const run = newRun({ task: "a\0b" });
    registry.admit(run, LIMITS);
    registry.settle([settlementOf(run, { text: "before\0after", completion: completionOf(run, { text: "x\0y" }) })]);
    expect(registry.run(run.runId)).toMatchObject({ task: "a\uFFFDb", text: "before\uFFFDafter" });
    expect(registry.outbox.byRun(run.runId)?.completion?.text).toBe("x\0y");
  });
});

test("cutting keeps whole characters, and what is kept and what is cut add up", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat({ max: 30 }), (text, limit) => {
      const { text: kept, bytesCut } = cutBytes(text, limit);
      const clean = text.replaceAll("\0", "\uFFFD");
      expect(clean.startsWith(kept)).toBe(true);
      expect(kept).not.toMatch(/[\uD800-\uDBFF]$/);
      if (!text.includes("\0")) expect(Buffer.byteLength(kept) + bytesCut).toBe(Buffer.byteLength(text));
    }),
  );
});

function admitIn(registry: Registry, state: RunState): string {
  const run = newRun();
  registry.admit(run, LIMITS);
  if (state === "running" || state === "waiting") registry.setState(run.runId, "running", 10);
  if (state === "waiting") registry.setState(run.runId, "waiting", 20);
  if (state === "settled") registry.settle([settlementOf(run)]);
  return run.runId;
}
