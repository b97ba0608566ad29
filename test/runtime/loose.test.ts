import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import { Loose } from "../../src/runtime/loose.ts";

it("what goes on by itself has ended when it is said to have, and a failure is logged with its run", async () => {
  const warnings: [object, string][] = [];
  const logger = { ...createLogger(), warn: (fields: object, text: string) => void warnings.push([fields, text]) };
  const loose = new Loose(logger);
  await loose.ended();
  let done = false;
  const slow = async (): Promise<void> => {
    await sleep(30);
    done = true;
  };
  loose.add("run-1", slow(), "slow failed");
  loose.add("run-2", Promise.reject(new Error("the disk is full")), "a file could not be removed");
  await loose.ended();
  expect(done).toBe(true);
  expect(warnings).toEqual([[{ runId: "run-2" }, "a file could not be removed: the disk is full"]]);
});
