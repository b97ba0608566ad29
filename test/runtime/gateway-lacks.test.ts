import { expect, it } from "vitest";
import { missingCapability } from "../../src/runtime/gateway-lacks.ts";
import type { SpawnParams } from "../../src/types.ts";

it.each<[string, Partial<SpawnParams>]>([
  ["attachments", { attachments: [] }],
  ["attachments", { attachAs: {} }],
  ["fork", { context: "fork" }],
  ["session", { thread: true }],
  ["session", { mode: "session" }],
  ["collect", { collect: true }],
  ["budget", { budget: { turns: 1 } }],
  ["completionTarget", { completionTarget: "parent" }],
  ["lightContext", { lightContext: true }],
  ["cwd", { cwd: "a" }],
  ["tools", { toolsAllow: [] }],
  ["dedicated", { isolation: "dedicated" }],
])("a gateway's lack of %s is told by name", (name, params) => {
  const refusal = missingCapability(params, false);
  expect(refusal).toMatchObject({ status: "error", code: "capability_missing" });
  expect(refusal!.message).toContain(`\`${name}\` needs the in-process runtime`);
});

it("what a gateway does anyway is no lack", () => {
  const anyway: Partial<SpawnParams> = { context: "isolated", thread: false, mode: "run", collect: false };
  expect(missingCapability({ ...anyway, lightContext: false, taskName: "a", label: "b" }, false)).toBeUndefined();
});
