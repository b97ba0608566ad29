import { describe, expect, it } from "vitest";

import { completeTurns } from "../../src/announce/one-turn.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { childOf, LIMITS, MAIN, newRun, settlementOf } from "../registry/fixtures/rows.ts";
import { openOwned } from "../registry/support.ts";

describe("results of one requester's turn", () => {
  it("wait for each other, and not for those of another turn or of none", () => {
    const { settled, unsettled, ready } = family();
    const [a, b, c] = [settled({ turnId: "1" }), settled({ turnId: "2" }), settled()];
    expect(ready()).toEqual([a, b, c]);
    const late = unsettled({ turnId: "1" });
    expect(ready()).toEqual([b, c]);
    const other = unsettled();
    expect(ready()).toEqual([b]);
    late.settle();
    expect(ready()).toEqual([a, b, late.runId]);
    other.settle();
    expect(ready()).toEqual([a, b, c, late.runId, other.runId]);
  });

  it("don't wait for what will tell nothing", () => {
    const { settled, unsettled, ready } = family();
    const a = settled({ turnId: "1" });
    unsettled({ turnId: "1", expectsCompletion: false });
    unsettled({ turnId: "1", collect: true, expectsCompletion: false });
    expect(ready()).toEqual([a]);
  });

  it("hold what an ended child left behind, as they would have held that child's own", () => {
    const { registry, settled, unsettled, ready } = family();
    const above = newRun({ turnId: "1" });
    registry.admit(above, LIMITS);
    const below = childOf(above, { turnId: `${above.runId}:1` });
    const { settle } = unsettled({ turnId: "1" });
    registry.admit(below, LIMITS);
    registry.settle([{ ...settlementOf(above), outcome: { status: "timeout" } }, settlementOf(below)]);
    registry.outbox.moveTo([`key-${below.runId}`], MAIN);
    const free = settled({ turnId: "2" });
    expect(ready()).toEqual([free]);
    settle();
    expect(ready()).toEqual(expect.arrayContaining([above.runId, below.runId, free]));
  });

  it("wait for nobody when it isn't known any more whose they are", () => {
    const { registry, unsettled, ready } = family();
    const stray = newRun({ requesterSessionKey: "agent:main:subagent:forgotten" });
    registry.admit(stray, LIMITS);
    registry.settle([settlementOf(stray)]);
    registry.outbox.moveTo([`key-${stray.runId}`], MAIN);
    unsettled();
    unsettled({ turnId: "" });
    expect(ready()).toEqual([stray.runId]);
  });
});

/** Children of one main session, and which of its results may go, by run id in the order they settled. */
function family() {
  const registry = openOwned(":memory:");
  const unsettled = (changes: Partial<NewRun> = {}) => {
    const run = newRun(changes);
    registry.admit(run, LIMITS);
    return { runId: run.runId, settle: () => registry.settle([settlementOf(run)]) };
  };
  const settled = (changes: Partial<NewRun> = {}): string => {
    const { runId, settle } = unsettled(changes);
    settle();
    return runId;
  };
  const ready = () => completeTurns(registry, MAIN, registry.outbox.pendingFor(MAIN)).map(({ runId }) => runId);
  return { registry, settled, unsettled, ready };
}
