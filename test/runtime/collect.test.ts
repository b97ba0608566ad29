/** Children whose results are fetched: not announced, not told anything, and limited by batches of their own. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { createSessionTools } from "../../src/tools/session-tools.ts";
import { serveModel, startRuntime, tempFolder, type Accepted, type Fixture } from "../helpers/runtime-fixture.ts";

describe("a collected child", () => {
  it("says that its result is to be fetched, keeps it, and announces nothing", async () => {
    const { start, settled, host, runtime, requester } = await startRuntime({ engine: "by-task" });
    const run = await start({ task: "echo", collect: true });
    expect(run).toMatchObject({
      expectsCompletionMessage: false,
      note: expect.stringContaining("agents_wait") as string,
    });
    expect(run.note).not.toContain("comes to you by itself");
    await settled(run.runId);
    const announced = await start("echo");
    await host.completionsCame(1);
    expect(host.delivered.map(({ runId }) => runId)).toEqual([announced.runId]);
    expect(await settled(run.runId)).toMatchObject({
      outcome: { status: "ok" },
      text: expect.stringMatching(/echo/) as string,
    });
    const [view] = await runtime.list(requester);
    expect(view).toMatchObject({ runId: run.runId, delivery: "none", groupId: "session" });
  });

  it("belongs to the batch it names, else to its requester's turn", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    await start({ task: "waits", collect: true, groupId: "batch" }, { ...requester, turnId: "t1" });
    await start({ task: "waits", collect: true }, { ...requester, turnId: "t1" });
    await start("waits", { ...requester, turnId: "t1" });
    expect((await runtime.list(requester)).map(({ groupId }) => groupId)).toEqual(["batch", "turn:t1", undefined]);
  });

  it("isn't told anything while it works, and ends when it is killed", async () => {
    const { start, runtime, requester, host } = await startRuntime({ engine: "by-task" });
    const run = await start({ task: "waits", label: "Worker", collect: true });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    for (const interrupt of [false, true]) {
      expect(await runtime.steer("Worker", "more", requester, { interrupt })).toMatchObject({
        status: "forbidden",
        code: "not_yours",
        error: expect.stringMatching(/collected.*agents_wait/) as string,
      });
    }
    const sent = await runtime.send({ label: "Worker", message: "more" }, requester);
    expect(sent).toMatchObject({ status: "forbidden", error: expect.stringContaining("collected") as string });
    expect(await runtime.kill(run.runId, requester)).toMatchObject({ status: "ok" });
    const { completed } = await runtime.wait([run.runId], requester);
    expect(completed).toMatchObject([{ outcome: { status: "killed" } }]);
    expect(host.deliveries).toEqual([]);
  });

  it("isn't what a session yields for, since nothing of it would come", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const tool = createSessionTools(runtime, requester).find(({ name }) => name === "sessions_yield")!;
    const yielding = () => tool.execute("call", {}, AbortSignal.timeout(5_000));
    await start({ task: "waits", collect: true });
    const refused = await yielding();
    expect(refused.details).toMatchObject({ status: "error", error: expect.stringContaining("agents_wait") as string });
    expect(refused.endsTurn).toBeUndefined();
    await start("waits");
    expect(await yielding()).toMatchObject({ details: { status: "yielded" }, endsTurn: true });
  });

  it("takes no place of its requester's other children, and they take none of its batch", async () => {
    const { runtime, requester, start } = await startRuntime({
      engine: "by-task",
      limits: { maxChildrenPerAgent: 1 },
      config: { tools: { swarm: { maxChildrenPerGroup: 2, maxTotalPerGroup: 3 } } },
    });
    await start("waits");
    const [first] = [await start(member()), await start(member())];
    expect(await runtime.spawn({ task: "waits" }, requester)).toMatchObject({ status: "forbidden" });
    expect(await runtime.spawn(member(), requester)).toMatchObject({
      status: "forbidden",
      code: "spawn_forbidden",
      error: expect.stringMatching(/batch has 2 .*maxChildrenPerGroup is 2/) as string,
    });
    await runtime.kill(first.runId, requester);
    await start(member());
    await runtime.kill("all", requester);
    expect(await runtime.spawn(member(), requester)).toMatchObject({
      status: "forbidden",
      error: expect.stringMatching(/batch has had 3 .*maxTotalPerGroup is 3/) as string,
    });
    await start({ ...member(), groupId: "another" });
  });

  it("is held by its requester's turn, when that is a child: it settles when what it collects has", async () => {
    const server = await serveModel(({ lastUserText, afterToolResult }) => {
      if (lastUserText.includes("leaf")) return { text: "found", firstByteDelayMs: 100 };
      if (afterToolResult) return "I have asked.";
      return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf", collect: true } }] };
    });
    const { start, settled, runtime } = await startRuntime({ model: server.model, limits: { maxSpawnDepth: 2 } });
    const parent = await start("ask for it");
    expect((await settled(parent.runId)).text).toBe("I have asked.");
    const below = await runtime.list({ sessionKey: parent.childSessionKey, agentId: "main" });
    expect(below).toMatchObject([{ state: "settled", outcome: { status: "ok" } }]);
    expect(server.requests.map(({ lastUserText }) => lastUserText).join()).not.toContain("[Subagent result]");
  });
});

describe("of one batch of collected children", () => {
  it("so many work at once, the others wait in their order, and other batches aren't held up", async () => {
    const fixture = await batches(2);
    const files = [0, 1, 2, 3].map((n) => join(tempFolder(), `${n}`));
    const runs: Accepted[] = [];
    for (const file of files) runs.push(await fixture.start(member(`finishes-when-told ${file}`)));
    await come(fixture, runs, ["running", "running", "queued", "queued"]);
    const other = await fixture.start({ task: "echo", collect: true, groupId: "other" });
    await fixture.settled(other.runId);
    await come(fixture, runs, ["running", "running", "queued", "queued"]);
    writeFileSync(files[1]!, "");
    await fixture.settled(runs[1]!.runId);
    await come(fixture, runs, ["running", "settled", "running", "queued"]);
    for (const file of files) writeFileSync(file, "");
    for (const { runId } of runs) await fixture.settled(runId);
  });

  it("one that is killed, at work or before its turn, gives its place to the next", async () => {
    const fixture = await batches(1);
    const runs = [await fixture.start(member()), await fixture.start(member()), await fixture.start(member())];
    await come(fixture, runs, ["running", "queued", "queued"]);
    await fixture.runtime.kill(runs[1]!.runId, fixture.requester);
    await come(fixture, runs, ["running", "settled", "queued"]);
    await fixture.runtime.kill(runs[0]!.runId, fixture.requester);
    await come(fixture, runs, ["settled", "settled", "running"]);
  });

  it("one that is killed in the lane, before it has begun, gives its place to the next as well", async () => {
    const fixture = await batches(1, { maxConcurrent: 1 });
    const before = await fixture.start("waits");
    const runs = [await fixture.start(member()), await fixture.start(member())];
    await come(fixture, [before, ...runs], ["running", "queued", "queued"]);
    await fixture.runtime.kill(runs[0]!.runId, fixture.requester);
    await fixture.runtime.kill(before.runId, fixture.requester);
    await come(fixture, [before, ...runs], ["settled", "settled", "running"]);
  });

  it("those that wait are interrupted when the runtime is closed, and none of them begins", async () => {
    const fixture = await batches(1);
    const events: string[] = [];
    const seen = (async () => {
      for await (const event of fixture.runtime.events()) events.push(event.type);
    })();
    for (let n = 0; n < 3; n++) await fixture.start(member());
    await expect.poll(() => fixture.runtime.stats().runs.running).toBe(1);
    await fixture.close();
    await seen;
    expect(events.filter((type) => type === "started")).toHaveLength(1);
    expect(events.filter((type) => type === "settled")).toHaveLength(3);
  });
});

const member = (task = "waits") => ({ task, collect: true, groupId: "batch" });

/** @param limits of all children */
function batches(maxConcurrent: number, limits: Record<string, unknown> = {}): Promise<Fixture> {
  return startRuntime({ engine: "by-task", limits, config: { tools: { swarm: { maxConcurrent } } } });
}

/** Waits until the runs are in these states. */
async function come({ runtime, requester }: Fixture, runs: Accepted[], states: string[]): Promise<void> {
  const look = async (): Promise<string[]> => {
    const views = await runtime.list(requester);
    return runs.map(({ runId }) => views.find((view) => view.runId === runId)!.state);
  };
  await expect.poll(look).toEqual(states);
}
