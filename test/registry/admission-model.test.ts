import fc from "fast-check";
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";

import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { NewRun } from "../../src/registry/run-row.ts";
import { childOf, MAIN, newRun, settlementOf } from "./fixtures/rows.ts";
import { interruptedCompletion, tempFile } from "./support.ts";

/** `owner` says which of two processes does it, `at` to which run, or under which one it is admitted. */
const step = fc.record({
  what: fc.constantFrom(
    "admit",
    "admit",
    "admit",
    "collect",
    "start",
    "wait",
    "settle",
    "kill",
    "anew",
    "die",
    "takeOver",
  ),
  owner: fc.nat(1),
  at: fc.nat(),
});

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Limits = { maxChildren: number; maxQueued: number };

test("no interleaving of two owners' runs overruns a limit or refuses below it: admitted, started, waiting, settled, killed, begun anew, left behind and taken over", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ maxChildren: fc.integer({ min: 1, max: 3 }), maxQueued: fc.integer({ min: 1, max: 5 }) }),
      fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
      async (limits, steps) => {
        const world = new World(tempFile(), limits);
        try {
          for (const one of steps) {
            world.take(one);
            world.check();
          }
          world.takeOver(0);
          world.takeOver(1);
          world.check();
        } finally {
          await world.close();
        }
      },
    ),
    { numRuns: 25 },
  );
});

type Entry = {
  run: NewRun;
  state: "queued" | "running" | "waiting" | "settled";
  owner: Registry;
};

/** Two processes on one file beside the rules said the slow way. */
class World {
  readonly #file: string;
  readonly #limits: Limits;
  readonly #owners: Registry[];
  readonly #gone: Registry[] = [];
  readonly #entries: Entry[] = [];

  constructor(file: string, limits: Limits) {
    this.#file = file;
    this.#limits = limits;
    this.#owners = [0, 1].map(() => this.#open());
  }

  take({ what, owner: which, at }: Step): void {
    const owner = this.#owners[which]!;
    const mine = this.#entries.filter((entry) => entry.owner === owner);
    const unsettled = mine.filter((entry) => entry.state !== "settled");
    const target = mine[at % Math.max(1, mine.length)];
    if (what === "admit" || what === "collect") return this.#admit(owner, unsettled, at, what === "collect");
    if (what === "die") return this.#die(which);
    if (what === "takeOver") return this.takeOver(which);
    if (target === undefined) return;
    if (what === "settle") return this.#settle([target]);
    if (what === "kill") return this.#settle([target, ...this.#below(target)]);
    if (what === "anew") return target.state === "settled" ? undefined : this.#beginAnew(target);
    const [from, to] =
      what === "start" ? ([["queued", "waiting"], "running"] as const) : ([["running"], "waiting"] as const);
    const change = (): void => owner.setState(target.run.runId, to, 1);
    if (!(from as readonly string[]).includes(target.state)) return expect(change).toThrow(/can't be set to/);
    change();
    target.state = to;
  }

  /** Settles what nobody who lives looks after. */
  takeOver(which: number): void {
    const orphans = this.#entries.filter((entry) => entry.state !== "settled" && this.#gone.includes(entry.owner));
    const settled = this.#owners[which]!.takeOverDead(3_000, interruptedCompletion);
    expect(idsOf(settled)).toEqual(idsOf(orphans.map((entry) => entry.run)));
    for (const run of settled) expect(run.outcome?.status).toBe("interrupted");
    for (const entry of orphans) entry.state = "settled";
  }

  /** What either of them sees of the file is what the rules say. */
  check(): void {
    for (const owner of this.#owners) {
      const rows = new Map(owner.listRuns({ limit: 1_000 }).map((row) => [row.runId, row]));
      const seen = this.#entries.map(({ run }) => [
        run.runId,
        rows.get(run.runId)!.state,
        rows.get(run.runId)!.pendingDescendants,
      ]);
      expect(seen).toEqual(
        this.#entries.map((entry) => [entry.run.runId, entry.state, this.#unsettledBelow(entry.run)]),
      );
      const unsettled = this.#entries.filter((entry) => entry.state !== "settled").length;
      expect(owner.countUnsettled()).toBe(unsettled);
      expect(owner.unsettledDescendants(MAIN)).toBe(unsettled);
    }
    const requesters = new Set(this.#entries.map((entry) => entry.run.requesterSessionKey));
    for (const requester of requesters) expect(this.#active(requester)).toBeLessThanOrEqual(this.#limits.maxChildren);
  }

  async close(): Promise<void> {
    for (const registry of [...this.#owners, ...this.#gone]) await registry.close();
  }

  #admit(owner: Registry, parents: Entry[], at: number, collect: boolean): void {
    const parent = parents[at % (parents.length + 1)];
    const run = parent === undefined ? newRun({ collect }) : childOf(parent.run, { collect });
    const active = this.#active(run.requesterSessionKey);
    const queued = this.#queued(owner);
    const { maxChildren, maxQueued } = this.#limits;
    const answer = owner.admit(run, this.#limits);
    if (!collect && active >= maxChildren) {
      expect(answer).toEqual({ ok: false, reason: "children", active, limit: maxChildren });
    } else if (queued >= maxQueued) {
      expect(answer).toEqual({ ok: false, reason: "queue", queued, limit: maxQueued });
    } else {
      expect(answer).toEqual({ ok: true });
      this.#entries.push({ run, state: "queued", owner });
    }
  }

  #settle(entries: Entry[]): void {
    const already = entries.filter((entry) => entry.state === "settled");
    const settled = entries.filter((entry) => entry.state !== "settled");
    const result = entries[0]!.owner.settle(entries.map((entry) => settlementOf(entry.run)));
    expect(result).toEqual({ settled: idsOfEntries(settled), already: idsOfEntries(already), unknown: [] });
    for (const entry of settled) entry.state = "settled";
  }

  /** As steering with an interrupt does it: another run in the session; the old one is settled by a later step, or never. */
  #beginAnew(old: Entry): void {
    const run = { ...old.run, runId: randomUUID() };
    old.owner.restart(run, old.run.runId);
    for (const entry of this.#entries) {
      if (entry.run.parentRunId === old.run.runId) entry.run = { ...entry.run, parentRunId: run.runId };
    }
    this.#entries.push({ run, state: "queued", owner: old.owner });
  }

  /** The process is gone, with its runs as they stand; another one starts in its place. */
  #die(which: number): void {
    const gone = this.#owners[which]!;
    gone.releaseOwner();
    this.#gone.push(gone);
    this.#owners[which] = this.#open();
  }

  #open(): Registry {
    const registry = openRegistry({ file: this.#file });
    registry.claimOwner();
    return registry;
  }

  /** Runs of this owner in the lane. */
  #queued(owner: Registry): number {
    return this.#entries.filter((entry) => entry.owner === owner && entry.state === "queued").length;
  }

  /** Sessions that count as children at work, whoever looks after them. */
  #active(requester: string): number {
    const children = this.#entries.filter(({ run }) => run.requesterSessionKey === requester && !run.collect);
    const active = children.filter((entry) => entry.state !== "settled" || this.#unsettledBelow(entry.run) > 0);
    return new Set(active.map((entry) => entry.run.childSessionKey)).size;
  }

  #below({ run }: Entry): Entry[] {
    const children = this.#entries.filter((entry) => entry.run.parentRunId === run.runId);
    return children.flatMap((child) => [child, ...this.#below(child)]);
  }

  #unsettledBelow(run: NewRun): number {
    const children = this.#entries.filter((entry) => entry.run.parentRunId === run.runId);
    return children.reduce(
      (sum, child) => sum + (child.state === "settled" ? 0 : 1) + this.#unsettledBelow(child.run),
      0,
    );
  }
}

function idsOf(runs: { runId: string }[]): string[] {
  return runs.map((run) => run.runId).sort();
}

function idsOfEntries(entries: Entry[]): string[] {
  return entries.map((entry) => entry.run.runId);
}
