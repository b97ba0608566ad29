import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";

import { outsideOfCalls } from "../../../src/adapters/openclaw/outside.ts";
import type { Host } from "../../../src/host.ts";

const call = new AsyncLocalStorage<string>();

function hostThatSees(seen: (string | undefined)[]): Host {
  return {
    deliver: async (completions) => {
      seen.push(call.getStore());
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(call.getStore());
      return completions.length === 0 ? "gone" : "delivered";
    },
    resolveModel: () => Promise.reject(new Error("none here")),
    workspaceDir: (agentId) => `${agentId} in ${call.getStore() ?? "no call"}`,
  };
}

test("a host's methods run outside of the call they are made in, to the end", async () => {
  const seen: (string | undefined)[] = [];
  const host = outsideOfCalls(hostThatSees(seen));

  const { delivered, folder } = await call.run("a tool call", async () => {
    const settled = host.deliver([]);
    return { folder: host.workspaceDir("main"), delivered: await settled };
  });

  expect(seen).toEqual([undefined, undefined]);
  expect({ delivered, folder }).toEqual({ delivered: "gone", folder: "main in no call" });
});

test("the caller stays in its own call, and what a method throws reaches it", async () => {
  const host = outsideOfCalls(hostThatSees([]));
  await call.run("a tool call", async () => {
    await expect(host.resolveModel(undefined, "main")).rejects.toThrow("none here");
    expect(call.getStore()).toBe("a tool call");
  });
});

test("what a host doesn't offer isn't offered afterwards either", () => {
  expect(Object.keys(outsideOfCalls(hostThatSees([])))).toEqual(["deliver", "resolveModel", "workspaceDir"]);
});
