import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import type { SpawnParams } from "../../src/types.ts";
import { withThreads } from "../helpers/kept-sessions.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { serveModel, startRuntime, tempFolder, type Fixture } from "../helpers/runtime-fixture.ts";

const BOUND: SpawnParams = { task: "waits", thread: true, attachments: [{ name: "a", content: "b" }] };
const FILES = { tools: { sessions_spawn: { attachments: { enabled: true } } } };

it("a host without channels has no such children, and says so before anything is prepared", async () => {
  const { runtime, requester, host } = await startRuntime({ engine: "by-task" });
  expect(runtime.capabilities.has("session")).toBe(false);
  for (const mode of [undefined, "session", "run"] as const) {
    const refused = await runtime.spawn({ ...BOUND, ...(mode === undefined ? {} : { mode }) }, requester);
    expect(refused).toMatchObject({ status: "error", code: "capability_missing" });
    expect((refused as { error: string }).error).toMatch(/^thread needs a channel[^\n]*`session`[^\n]*leave thread/);
  }
  expect(host.resolved).toEqual([]);
  expect(await runtime.list(requester)).toEqual([]);
});

it.each<[how: string, answer: () => Promise<boolean>, why: RegExp]>([
  ["for a channel without threads", async () => false, /channel has no threads/],
  ["when the channel fails", () => Promise.reject(new Error("the channel is away")), /the channel is away/],
])("a thread that can't be bound leaves nothing behind: %s", async (_how, answer, why) => {
  const host = new RecordingHost(tempFolder()).bindThreads();
  host.bindThread = answer;
  const fixture = await startRuntime({ engine: "by-task", host, config: FILES });
  const refused = await fixture.runtime.spawn(BOUND, fixture.requester);
  expect(refused).toMatchObject({
    status: "error",
    code: "thread_not_bound",
    error: expect.stringMatching(why) as string,
  });
  await expectNothingLeft(fixture);
});

it("a thread is bound for the child that comes to be, and given back when it doesn't", async () => {
  const bound: unknown[] = [];
  const host = new RecordingHost(tempFolder()).bindThreads();
  const { bindThread } = host;
  host.bindThread = (child) => {
    bound.push(child);
    return bindThread!(child);
  };
  const limits = { maxChildrenPerAgent: 1 };
  const { runtime, requester, start } = await startRuntime({ engine: "by-task", host, limits, config: FILES });
  const run = await start({ ...BOUND, label: "Bound" });
  const { runId, childSessionKey: sessionKey } = run;
  expect(bound).toMatchObject([{ runId, sessionKey, requesterSessionKey: requester.sessionKey, label: "Bound" }]);
  expect(await runtime.spawn(BOUND, requester)).toMatchObject({ status: "forbidden" });
  expect(bound).toHaveLength(2);
  expect(host.threads).toEqual([sessionKey]);
});

it("a spawn made twice under one key has one thread", async () => {
  const host = new RecordingHost(tempFolder()).bindThreads();
  const { runtime, requester } = await startRuntime({ engine: "by-task", host });
  const spawn = () => runtime.spawn({ task: "waits", thread: true }, requester, { idempotencyKey: "once" });
  const [one, two] = await Promise.all([spawn(), spawn()]);
  expect(two).toEqual(one);
  expect(await spawn()).toEqual(one);
  expect(host.threads).toEqual([(one as { childSessionKey: string }).childSessionKey]);
});

it("a thread that can't be given back keeps nobody from ending", async () => {
  const host = new RecordingHost(tempFolder()).bindThreads();
  host.unbindThread = () => Promise.reject(new Error("the channel is away"));
  const { runtime, requester, start } = await startRuntime({ engine: "by-task", host });
  const run = await start({ task: "waits", thread: true });
  expect(await runtime.kill(run.runId, requester)).toMatchObject({ status: "ok" });
  const refused = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
  expect(refused).toMatchObject({ status: "error" });
});

it("a child of mode `run` has its thread until its run is told of, and no longer", async () => {
  const server = await serveModel(() => "done");
  const { start, runtime, requester, host } = await withThreads({ model: server.model });
  const run = await start({ task: "once", thread: true, mode: "run", cleanup: "delete" });
  expect(host.threads).toEqual([run.childSessionKey]);
  await host.completionsCame(1);
  await expect.poll(() => host.threads).toEqual([]);
  const sent = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
  expect(sent).toMatchObject({ status: "error", code: "capability_missing" });
  const silent = await start({ task: "once", thread: true, mode: "run", expectsCompletionMessage: false });
  expect(host.threads).toEqual([silent.childSessionKey]);
  await expect.poll(() => host.threads).toEqual([]);
});

it("a run that is interrupted keeps its thread until the last run in its session is over", async () => {
  const { start, runtime, requester, host } = await withThreads({ engine: "by-task" });
  const run = await start({ task: "waits", thread: true, mode: "run" });
  await expect.poll(() => runtime.stats().runs.running).toBe(1);
  const again = await runtime.steer(run.runId, "again", requester, { interrupt: true });
  const { completed } = await runtime.wait([run.runId], requester, { timeoutMs: 15_000 });
  expect(completed).toHaveLength(1);
  expect(host.threads).toEqual([run.childSessionKey]);
  await runtime.kill((again as { runId: string }).runId, requester);
  await expect.poll(() => host.threads).toEqual([]);
});

async function expectNothingLeft({ runtime, requester, workspaceDir, host }: Fixture): Promise<void> {
  expect(await runtime.list(requester)).toEqual([]);
  expect(existsSync(join(workspaceDir, ".openclaw"))).toBe(false);
  expect(host.threads).toEqual([]);
}
