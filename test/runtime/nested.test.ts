import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import { collect, gate, serveModel, startRuntime, type Fixture } from "../helpers/runtime-fixture.ts";

describe("a child that starts children of its own", () => {
  it("waits without a slot, is woken once with all their results, and its last answer travels up", async () => {
    const { server, host, runtime, start, requester } = await family({ maxConcurrent: 1 });
    const events = collect(runtime.events());
    const run = await start({ task: "spawn one two", label: "Orchestrator" });
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([
      { runId: run.runId, outcome: { status: "ok" }, text: "All together: answer to one, answer to two" },
    ]);
    expect(host.delivered[0]!.usage.turns).toBe(3);
    const woken = server.requests.filter((request) => request.lastUserText.includes("[Subagent result]"));
    expect(woken).toHaveLength(1);
    expect(woken[0]!.lastUserText.match(/\[Subagent result\]/g)).toHaveLength(2);
    expect(
      typesOf(events, run.runId).filter((type) => ["started", "waiting", "resumed", "settled"].includes(type)),
    ).toEqual(["started", "waiting", "resumed", "started", "settled"]);
    expect(await runtime.list(requester)).toHaveLength(1);
    expect(await runtime.list({ sessionKey: run.childSessionKey, agentId: "main" })).toMatchObject([
      { depth: 2, delivery: "delivered" },
      { depth: 2, delivery: "delivered" },
    ]);
  });

  it("counts as waiting meanwhile, with the number of those below it", async () => {
    const grandchildren = gate();
    const { start, runtime, requester, host } = await family({}, () => grandchildren.opened);
    await start("spawn one two");
    await expect
      .poll(async () => (await runtime.list(requester))[0]!, { timeout: 15_000 })
      .toMatchObject({ state: "waiting", pendingDescendants: 2 });
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 2, waiting: 1 });
    grandchildren.open();
    await host.deliveredTimes(1);
  });

  it("settles with what it said when its children have nothing to tell", async () => {
    const { start, host } = await family(
      {},
      async () => undefined,
      () => "NO_REPLY",
    );
    await start("spawn one two");
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([{ outcome: { status: "ok" }, text: "I wait for them." }]);
  });

  it("is refused children beyond its depth, and told why", async () => {
    const { server, start, host } = await family({ maxSpawnDepth: 1 });
    await start("spawn one two");
    await host.deliveredTimes(1);
    const offered = JSON.stringify(server.requests[0]!.body.tools ?? []);
    expect(offered).not.toContain("sessions_spawn");
  });
});

describe("a requester that ends before its children", () => {
  it("by a timeout leaves their results to its own requester", async () => {
    const grandchildren = gate();
    const { start, host } = await family({}, () => grandchildren.opened);
    const run = await start({ task: "spawn one two", runTimeoutSeconds: 1 });
    await host.deliveredTimes(1);
    expect(host.delivered[0]).toMatchObject({ runId: run.runId, outcome: { status: "timeout" } });
    grandchildren.open();
    await expect.poll(() => host.delivered.length).toBe(3);
    expect(
      host.delivered
        .slice(1)
        .map((one) => one.text)
        .sort(),
    ).toEqual(["answer to one", "answer to two"]);
    expect(new Set(host.delivered.map((one) => one.requesterSessionKey))).toEqual(new Set(["agent:main:main"]));
  });

  it("by a kill takes them along, all the way down, and nobody is told", async () => {
    const never = gate();
    const { start, host, runtime, requester, server } = await family({ maxSpawnDepth: 3 }, () => never.opened);
    const run = await start({ task: "spawn spawn:deep two", label: "Top" });
    await expect.poll(() => server.requests.filter(isLeaf).length, { timeout: 15_000 }).toBe(2);
    await expect.poll(() => runtime.stats().runs).toEqual({ queued: 0, running: 2, waiting: 2 });
    const result = await runtime.kill(run.runId, requester);
    expect(result).toMatchObject({ status: "ok", cascadeKilled: 3 });
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
    await sleep(100);
    expect(host.deliveries).toEqual([]);
    never.open();
  });

  it("and is named in a kill afterwards still takes them along", async () => {
    const never = gate();
    const { start, host, runtime, requester } = await family({}, () => never.opened);
    const run = await start({ task: "spawn one two", runTimeoutSeconds: 1 });
    await host.deliveredTimes(1);
    expect(runtime.stats().runs.running).toBe(2);
    expect(await runtime.kill(run.runId, requester)).toMatchObject({ status: "ok", cascadeKilled: 2 });
    expect(runtime.stats().runs.running).toBe(0);
    never.open();
  });

  it("and whose requester is killed takes them along too, over the gap", async () => {
    const never = gate();
    const { start, runtime, requester, server } = await family({ maxSpawnDepth: 3 }, () => never.opened);
    // Top → middle (timed out by then) → leaf.
    const top = await start("spawn timed:deep two");
    await expect.poll(() => server.requests.filter(isLeaf).length, { timeout: 15_000 }).toBe(2);
    const middle = async () => (await runtime.list({ sessionKey: top.childSessionKey, agentId: "main" }))[0]!;
    await expect.poll(async () => (await middle()).outcome?.status, { timeout: 15_000 }).toBe("timeout");
    await runtime.kill(top.runId, requester);
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
    never.open();
  });

  it("starts none any more once it is killed, even one whose model is just being resolved", async () => {
    const resolving = gate();
    const { start, runtime, requester, host } = await family();
    const { model } = host;
    host.onResolve = async () => {
      if (host.resolved.length > 1) await resolving.opened;
      return model;
    };
    const run = await start("spawn one two");
    await expect.poll(() => host.resolved.length, { timeout: 15_000 }).toBeGreaterThan(1);
    await runtime.kill(run.runId, requester);
    resolving.open();
    await sleep(200);
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
    expect(await runtime.list({ sessionKey: run.childSessionKey, agentId: "main" })).toEqual([]);
  });
});

/**
 * A model that plays every part: told `spawn a b` it spawns a child for each word, waits, and sums up; `spawn:x` and
 * `timed:x` are children that spawn one of their own, the latter with a timeout; any other is a leaf that answers.
 */
async function family(
  limits: Record<string, unknown> = {},
  beforeLeaf: () => Promise<unknown> = async () => undefined,
  leafAnswer: (task: string) => string = (task) => `answer to ${task}`,
): Promise<Fixture & { server: Awaited<ReturnType<typeof serveModel>> }> {
  const server = await serveModel(async (request): Promise<Reply> => {
    if (request.lastUserText.includes("[Subagent result]")) return `All together: ${answersIn(request.lastUserText)}`;
    if (request.afterToolResult) return "I wait for them.";
    const words = taskOf(request).split(" ");
    if (words[0] !== "spawn") {
      await beforeLeaf();
      return leafAnswer(words.join(" "));
    }
    return { toolCalls: words.slice(1).map((word) => ({ name: "sessions_spawn", args: spawnArgs(word) })) };
  });
  const fixture = await startRuntime({ model: server.model, limits: { maxSpawnDepth: 2, ...limits } });
  return { ...fixture, server };
}

function spawnArgs(word: string): Record<string, unknown> {
  const [kind, below] = word.split(":");
  if (below === undefined) return { task: word, label: word };
  return { task: `spawn ${below}`, label: word, ...(kind === "timed" ? { runTimeoutSeconds: 1 } : {}) };
}

function taskOf(request: RecordedRequest): string {
  return request.lastUserText.split("[Subagent Task]\n").at(-1)!.trim();
}

function isLeaf(request: RecordedRequest): boolean {
  return !request.afterToolResult && !taskOf(request).startsWith("spawn") && !request.lastUserText.includes("result]");
}

function answersIn(announcement: string): string {
  return [...announcement.matchAll(/<<<RESULT \w+\n([^\n]*)\n/g)]
    .map((match) => match[1])
    .sort()
    .join(", ");
}

function typesOf(events: { runId: string; type: string }[], runId: string): string[] {
  return events.filter((event) => event.runId === runId).map((event) => event.type);
}
