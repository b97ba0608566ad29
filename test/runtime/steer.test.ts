import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { Reply, RecordedRequest } from "../helpers/model-server.ts";
import { collect, gate, MAIN, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

describe("a running child that is steered", () => {
  it("reads it after the tool call it is at, with all it has done so far", async () => {
    const asked = gate();
    const go = gate();
    const server = await serveModel(async (request): Promise<Reply> => {
      if (request.index > 0) return "as you say";
      asked.open();
      await go.opened;
      return { toolCalls: [{ name: "list", args: {} }] };
    });
    const { start, runtime, requester, host } = await startRuntime({ model: server.model });
    const run = await start({ task: "look around", label: "Looker" });
    await asked.opened;
    expect(await runtime.steer("Looker", "  only the tests  ", requester)).toEqual({
      status: "accepted",
      runId: run.runId,
      sessionKey: run.childSessionKey,
      label: "Looker",
      mode: "inject",
      text: expect.stringContaining("Looker") as string,
    });
    go.open();
    await host.deliveredTimes(1);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]!.lastUserText).toMatch(/^\[Message from the session[^\n]*\]\nonly the tests$/);
    expect(JSON.stringify(server.requests[1]!.messages)).toMatch(/look around.*call_0.*only the tests/s);
    expect(host.delivered).toMatchObject([{ runId: run.runId, text: "as you say", outcome: { status: "ok" } }]);
  });

  it("in the midst of its last answer gives another", async () => {
    const go = gate();
    const server = await serveModel(async (request): Promise<Reply> => {
      if (request.index === 0) await go.opened;
      return request.index === 0 ? "done already" : "done again";
    });
    const { start, runtime, requester, host } = await startRuntime({ model: server.model });
    await start("answer");
    await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(1);
    expect(await runtime.steer("last", "and more", requester)).toMatchObject({ status: "accepted", mode: "inject" });
    go.open();
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([{ text: "done again" }]);
    expect(server.requests).toHaveLength(2);
  });

  it("after its engine's last look has another turn with it, and one result", async () => {
    const file = join(tempFolder(), "go");
    const { start, runtime, requester, host } = await startRuntime({ engine: "by-task" });
    const events = collect(runtime.events());
    const run = await start(`finishes-when-told ${file}`);
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    await runtime.steer(run.runId, "first", requester);
    writeFileSync(file, "");
    await host.deliveredTimes(1);
    expect(host.delivered).toHaveLength(1);
    expect(host.delivered[0]!.text).toMatch(/finishes-when-told.*first$/s);
    expect(events.filter((event) => event.type === "resumed")).toMatchObject([{ reason: "steered" }]);
  });

  it("and then loses its thread is told again", async () => {
    const file = join(tempFolder(), "go");
    const { start, runtime, requester, host } = await startRuntime({ engine: "by-task" });
    const run = await start(`exits-then-listens ${file}`);
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    await runtime.steer(run.runId, "don't forget", requester);
    writeFileSync(file, "");
    await host.deliveredTimes(1);
    expect(host.delivered[0]).toMatchObject({ outcome: { status: "ok" } });
    expect(host.delivered[0]!.text).toContain("don't forget");
  });
});

describe("a child that doesn't run", () => {
  it("queued, reads it with its task", async () => {
    const file = join(tempFolder(), "go");
    const { start, runtime, requester, host } = await startRuntime({
      engine: "by-task",
      limits: { maxConcurrent: 1 },
    });
    await start(`finishes-when-told ${file}`);
    const queued = await start({ task: "echo hello", label: "Second" });
    await expect.poll(() => runtime.stats().runs).toMatchObject({ running: 1, queued: 1 });
    expect(await runtime.steer("Second", "in French", requester, { interrupt: true })).toMatchObject({
      status: "accepted",
      mode: "inject",
      runId: queued.runId,
    });
    writeFileSync(file, "");
    await host.completionsCame(2);
    expect(host.delivered[1]!.text).toMatch(/\[Subagent Task\]\necho hello\n\n\[Message from[^\n]*\nin French$/);
  });

  it("waiting for children, has a turn with it at once and waits on", async () => {
    const leaf = gate();
    const server = await serveModel(async (request): Promise<Reply> => {
      if (isFor(request, "leaf work")) {
        await leaf.opened;
        return "leaf done";
      }
      if (request.lastUserText.includes("[Subagent result]")) return "all in";
      if (request.lastUserText.includes("hurry")) return "I will";
      return request.afterToolResult
        ? "I wait"
        : { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf work" } }] };
    });
    const { start, runtime, requester, host } = await startRuntime({ model: server.model });
    const run = await start("orchestrate");
    await expect.poll(() => runtime.stats().runs.waiting, { timeout: 15_000 }).toBe(1);
    expect(await runtime.steer(run.runId, "hurry", requester)).toMatchObject({ status: "accepted", mode: "inject" });
    await expect
      .poll(() => server.requests.some((request) => request.lastUserText.includes("hurry")), { timeout: 15_000 })
      .toBe(true);
    await expect.poll(() => runtime.stats().runs.waiting, { timeout: 15_000 }).toBe(1);
    expect(host.deliveries).toEqual([]);
    leaf.open();
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([{ runId: run.runId, text: "all in" }]);
  });

  it("settled, is done with", async () => {
    const { start, settled, runtime, requester } = await startRuntime({ engine: "by-task" });
    const run = await start({ task: "echo x", label: "Over" });
    await settled(run.runId);
    expect(await runtime.steer("Over", "more", requester)).toMatchObject({ status: "done", runId: run.runId });
  });
});

describe("a child that is interrupted", () => {
  it("goes on in the same session as another run, the old one ends in silence", async () => {
    const server = await serveModel(async (request): Promise<Reply> => {
      if (request.lastUserText.includes("the other way")) return "done the other way";
      return { text: "word ".repeat(2_000), chunkChars: 5, delayMs: 20 };
    });
    const { start, runtime, requester, host } = await startRuntime({ model: server.model });
    const old = await start({ task: "talk on", label: "Talker" });
    await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(1);
    const steered = await runtime.steer("Talker", "the other way", requester, { interrupt: true });
    expect(steered).toMatchObject({ status: "accepted", mode: "restart", sessionKey: old.childSessionKey });
    const { runId } = steered as { runId: string };
    expect(runId).not.toBe(old.runId);
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([{ runId, text: "done the other way", label: "Talker" }]);
    expect(await runtime.list(requester)).toMatchObject([{ runId, state: "settled", outcome: { status: "ok" } }]);
    const { completed } = await runtime.wait([old.runId], requester, { timeoutMs: 0 });
    expect(completed).toMatchObject([{ outcome: { status: "killed", cause: { code: "run_killed" } } }]);
    expect(JSON.stringify(server.requests[1]!.messages)).toContain("talk on");
    // The old name stands for the session.
    expect(await runtime.kill(old.runId, requester)).toMatchObject({ status: "done", runId });
  });

  it("keeps its children, who are counted and killed with it", async () => {
    const never = gate();
    const second = gate();
    const server = await serveModel(async (request): Promise<Reply> => {
      if (isFor(request, "leaf work")) await never.opened;
      else if (request.lastUserText.includes("anew")) await second.opened;
      else if (request.afterToolResult) return { text: "word ".repeat(2_000), chunkChars: 5, delayMs: 20 };
      else return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf work" } }] };
      return "over";
    });
    const { start, runtime, requester, host } = await startRuntime({ model: server.model });
    const old = await start("orchestrate");
    await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(3);
    const { runId } = (await runtime.steer(old.runId, "anew", requester, { interrupt: true })) as { runId: string };
    const [orchestrator] = await runtime.list(requester);
    expect(orchestrator).toMatchObject({ runId, pendingDescendants: 1 });
    expect(orchestrator!.childSessions).toHaveLength(1);
    second.open();
    await expect.poll(() => runtime.stats().runs, { timeout: 15_000 }).toEqual({ queued: 0, running: 1, waiting: 1 });
    expect(await runtime.kill("all", requester)).toMatchObject({ status: "ok", cascadeKilled: 1, killed: 2 });
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
    expect((await runtime.list(requester))[0]).toMatchObject({ pendingDescendants: 0 });
    never.open();
    expect(host.deliveries).toEqual([]);
  });

  it("begins again only when the old turn has let go of its transcript, or lost its thread", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const events = collect(runtime.events());
    const threadOf = (runId: string) =>
      events.flatMap((event) => (event.runId === runId && event.type === "started" ? [event.threadId] : []))[0];
    const old = await start("hangs");
    await expect.poll(() => threadOf(old.runId), { timeout: 15_000 }).toBeDefined();
    const { runId } = (await runtime.steer(old.runId, "again", requester, { interrupt: true })) as { runId: string };
    await expect.poll(() => threadOf(runId), { timeout: 15_000 }).toBeDefined();
    expect(threadOf(runId)).not.toBe(threadOf(old.runId));
  });

  it("is another child of nobody: its requester's limit isn't asked", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task", limits: { maxChildrenPerAgent: 1 } });
    const run = await start("waits");
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    expect(await runtime.steer(run.runId, "again", requester, { interrupt: true })).toMatchObject({ mode: "restart" });
    expect(await runtime.spawn({ task: "waits" }, requester)).toMatchObject({ status: "forbidden" });
  });
});

describe("a steer that is refused", () => {
  it("comes too soon after the one before, to the same child from the same session", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const one = await start({ task: "waits", label: "One" });
    await start({ task: "waits", label: "Two" });
    await expect.poll(() => runtime.stats().runs.running).toBe(2);
    expect(await runtime.steer("One", "a", requester)).toMatchObject({ status: "accepted" });
    expect(await runtime.steer("One", "b", requester)).toMatchObject({
      status: "rate_limited",
      runId: one.runId,
      code: "rate_limited",
    });
    expect(await runtime.steer("Two", "c", requester)).toMatchObject({ status: "accepted" });
    await new Promise((resolve) => setTimeout(resolve, 2_050));
    expect(await runtime.steer("One", "d", requester)).toMatchObject({ status: "accepted" });
  });

  it("names nobody, several, another's, itself, or comes from a leaf", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const one = await start({ task: "waits", label: "Twin one" });
    await start({ task: "waits", label: "Twin two" });
    const grandchild = await start("waits", { sessionKey: one.childSessionKey, agentId: "main" });
    const tell = (target: string, by = requester) => runtime.steer(target, "hello", by);
    const child = { ...requester, sessionKey: one.childSessionKey };
    const leaf = { ...requester, sessionKey: grandchild.childSessionKey };
    expect(await tell("nobody")).toMatchObject({ status: "error", code: "not_found" });
    expect(await tell("7")).toMatchObject({
      status: "error",
      code: "not_found",
      error: expect.stringContaining("2") as string,
    });
    expect(await tell("Twin")).toMatchObject({ status: "error", code: "ambiguous" });
    expect(await tell("all")).toMatchObject({ status: "error", code: "params_invalid" });
    expect(await tell(grandchild.runId)).toMatchObject({ status: "forbidden", code: "not_yours" });
    expect(await tell(MAIN)).toMatchObject({ status: "forbidden", code: "not_yours" });
    expect(await tell(one.runId, child)).toMatchObject({ status: "forbidden", code: "not_yours" });
    expect(await tell("last", leaf)).toMatchObject({ status: "forbidden", code: "not_yours" });
    expect(await runtime.kill("all", leaf)).toMatchObject({ status: "forbidden", code: "not_yours" });
    expect(await tell("last", child)).toMatchObject({ status: "accepted", runId: grandchild.runId });
    expect(await tell("2")).toMatchObject({ status: "accepted", label: "Twin two" });
  });

  it("has no text or too much of it", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    await start("waits");
    for (const message of ["", "  ", "x".repeat(4_001)]) {
      expect(await runtime.steer("last", message, requester)).toMatchObject({
        status: "error",
        code: "params_invalid",
      });
    }
    expect(await runtime.steer("last", "x".repeat(4_000), requester)).toMatchObject({ status: "accepted" });
  });
});

function isFor(request: RecordedRequest, task: string): boolean {
  return request.lastUserText.endsWith(`[Subagent Task]\n${task}`);
}
