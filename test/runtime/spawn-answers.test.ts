import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { InprocessError } from "../../src/errors.ts";
import type { SpawnParams } from "../../src/types.ts";
import { startRuntime, type FixtureOptions } from "../helpers/runtime-fixture.ts";

const FILES = { tools: { sessions_spawn: { attachments: { enabled: true } } } };
const FILE = { name: "note.txt", content: "hello" };

it("a spawn that is accepted is answered with every field there is, those of its files and its place in the queue too", async () => {
  const { start, runtime } = await startRuntime({ engine: "by-task", limits: { maxConcurrent: 1 }, config: FILES });
  await start("waits");
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  await start("waits");
  const run = await start({
    ...{ task: "waits", taskName: "third", model: "fixture/none", isolation: "dedicated" },
    ...{ expectsCompletionMessage: false, attachments: [FILE] },
  });
  expect(run).toEqual({
    status: "accepted",
    runId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    childSessionKey: expect.stringMatching(/^agent:main:subagent:[0-9a-f-]{36}$/) as string,
    mode: "run",
    context: "isolated",
    taskName: "third",
    note: expect.stringMatching(/^Started\. As you asked, nothing comes to you/) as string,
    runtime: "inprocess",
    isolation: "dedicated",
    resolvedModel: "none",
    resolvedProvider: "fixture",
    modelApplied: true,
    expectsCompletionMessage: false,
    attachments: {
      count: 1,
      totalBytes: 5,
      files: [{ name: "note.txt", bytes: 5, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }],
      relDir: expect.stringMatching(/^\.openclaw\/attachments\/[0-9a-f-]{36}$/) as string,
    },
    queuePosition: 2,
  });
});

it.each<[string, Partial<SpawnParams>, FixtureOptions, object, RegExp]>([
  ["its depth", {}, { limits: { maxSpawnDepth: 1 } }, forbidden(), /depth 1 .*maxSpawnDepth is 1/],
  ["too many children", {}, { limits: { maxChildrenPerAgent: 1 } }, forbidden(), /1 active.*maxChildrenPerAgent is 1/],
  ["no agent named", {}, { limits: { requireAgentId: true } }, forbidden(), /agentId/],
  ["attachments that are off", { attachments: [FILE] }, { config: {} }, forbidden(), /attachments\.enabled/],
  ["a model that can't be used", { model: "gone/model" }, {}, { status: "error", code: "model_unusable" }, /is gone/],
  ["a bad task name", { taskName: "All of it" }, {}, { status: "error", code: "params_invalid" }, /taskName/],
  ["a task name that means another", { taskName: "last" }, {}, { status: "error", code: "params_invalid" }, /taskName/],
  ["a bad agent id", { agentId: "A/B" }, {}, { status: "error", code: "params_invalid" }, /agentId/],
  [
    "files with bad content",
    { attachments: [{ name: "a", content: "*", encoding: "base64" }] },
    {},
    { status: "error", code: "attachments_invalid_base64_or_too_large" },
    /a/,
  ],
])("a spawn that is refused for %s says so in one sentence and leaves nothing", async (why, params, more, is, said) => {
  const fixture = await startRuntime({ engine: "by-task", config: FILES, ...more });
  const { runtime, requester, workspaceDir, host } = fixture;
  const busy = why === "too many children" ? [await fixture.start("waits")] : [];
  if (why.startsWith("a model")) {
    host.onResolve = async () => Promise.reject(new InprocessError("model_unusable", "The model is gone."));
  }
  const by = why === "its depth" ? { ...requester, depth: 1 } : requester;
  const attachments = more.config === undefined && params.attachments === undefined ? { attachments: [FILE] } : {};
  const refused = await runtime.spawn({ task: "echo", ...attachments, ...params }, by);
  expect(refused).toMatchObject(is);
  const { error } = refused as { error: string };
  expect(error).toMatch(said);
  expect(error).not.toContain("\n");
  expect(await runtime.list(requester)).toHaveLength(busy.length);
  expect(runtime.stats().runs.queued).toBe(0);
  expect(existsSync(join(workspaceDir, ".openclaw"))).toBe(false);
});

function forbidden(): object {
  return { status: "forbidden", code: "spawn_forbidden" };
}
