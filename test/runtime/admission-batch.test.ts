import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { AdmissionBatch } from "../../src/runtime/admission-batch.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { LIMITS, newRun } from "../registry/fixtures/rows.ts";

describe("spawns of one turn of the loop", () => {
  it("are let in together, in their order, and many in several turns", async () => {
    const batches: number[][] = [];
    const batch = new AdmissionBatch((entries: number[]) => {
      batches.push(entries);
      return entries.map((entry) => `${entry}`);
    });
    const numbers = Array.from({ length: 50 }, (_, n) => n);
    const added = Promise.all(numbers.map((n) => batch.add(n)));
    await Promise.resolve();
    await Promise.resolve();
    expect(batches.length).toBe(1);
    await expect(added).resolves.toEqual(numbers.map(String));
    expect(batches.map((some) => some.length)).toEqual([20, 20, 10]);
    expect(batches.flat()).toEqual(numbers);
    await turn();
    await expect(batch.add(50)).resolves.toBe("50");
    expect(batches.at(-1)).toEqual([50]);
  });

  it("are all told when they couldn't be let in, and those after them are let in", async () => {
    let broken = true;
    const batch = new AdmissionBatch((entries: number[]) => {
      if (broken) throw new Error("the disk is full");
      return entries;
    });
    const first = await Promise.allSettled([batch.add(1), batch.add(2)]);
    expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    broken = false;
    await expect(batch.add(3)).resolves.toBe(3);
  });

  it("leave nothing behind when their transaction fails, in the file or in the count of the lane", async () => {
    const registry = openRegistry({ file: ":memory:" });
    registry.claimOwner();
    const limits = { ...LIMITS, maxQueued: 1 };
    const run = newRun();
    expect(() =>
      registry.together(() => {
        expect(registry.admit(run, limits)).toMatchObject({ ok: true });
        throw new Error("the disk is full");
      }),
    ).toThrow("the disk is full");
    expect(registry.run(run.runId)).toBeUndefined();
    expect(registry.together(() => [newRun(), newRun()].map((one) => registry.admit(one, limits).ok))).toEqual([
      true,
      false,
    ]);
    await registry.close();
  });
});
