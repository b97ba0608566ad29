import { expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import type { RunRow } from "../../src/registry/run-row.ts";
import { tellEach } from "../../src/runtime/after-run.ts";
import { newRun } from "../registry/fixtures/rows.ts";

it("whoever fails when it is told that a run is over keeps no other from being told", () => {
  const told: string[] = [];
  const errors: string[] = [];
  const logger = { ...createLogger(), error: (_fields: object, text: string) => void errors.push(text) };
  const hooks = [
    { delivered: () => void told.push("first") },
    {
      delivered: () => {
        throw new Error("the disk is full");
      },
    },
    { settled: () => void told.push("never delivered") },
    { delivered: ({ runId }: RunRow) => void told.push(runId) },
  ];
  tellEach(hooks, logger).delivered(newRun({ runId: "run-1" }) as RunRow);
  expect(told).toEqual(["first", "run-1"]);
  expect(errors).toEqual([expect.stringContaining("the disk is full")]);
});
