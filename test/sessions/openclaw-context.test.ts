import { afterEach, expect, test } from "vitest";

import { setWorkerBridge, workerBridge, type WorkerBridge } from "../../src/sessions/openclaw-context.ts";

const SHARED = Symbol.for("openclaw-inprocess.worker");

afterEach(() => {
  Reflect.deleteProperty(globalThis, SHARED);
});

test("there is no bridge outside a worker of ours", () => {
  expect(workerBridge()).toBeUndefined();
});

test("the bridge of a thread is found by a plugin that was loaded from another copy of this file", () => {
  const bridge: WorkerBridge = { call: async () => undefined, tools: () => ["sessions_spawn"] };
  setWorkerBridge(bridge);
  expect(workerBridge()).toBe(bridge);
  expect(Reflect.get(globalThis, SHARED)).toBe(bridge);
});
