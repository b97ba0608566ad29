import { describe, expect, it } from "vitest";

import type { SpawnParams } from "../../src/types.ts";
import { SESSION, textsOf, withThreads } from "../helpers/kept-sessions.ts";
import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import { collect, gate, recordOf, serveModel } from "../helpers/runtime-fixture.ts";

const LIFE = new Set(["accepted", "resumed", "started", "settled"]);

describe("a child in a thread", () => {
  it("stays when it has answered, and takes a follow-up as another run with all that was said", async () => {
    const server = await serveModel(({ index }) => `answer ${index}`);
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const events = collect(runtime.events());
    const first = await start({
      task: "remember seven",
      label: "Friend",
      taskName: "friend",
      thread: true,
      cleanup: "delete",
    });
    expect(first).toMatchObject({ mode: "session", note: expect.stringMatching(/It stays.*sessions_send/) as string });
    expect(host.threads).toEqual([first.childSessionKey]);
    await host.completionsCame(1);
    const sent = await runtime.send({ label: "Friend", message: " which number? " }, requester);
    expect(sent).toMatchObject({ status: "accepted", sessionKey: first.childSessionKey });
    const { runId } = sent as { runId: string };
    expect(runId).not.toBe(first.runId);
    await host.completionsCame(2);
    expect(host.delivered[0]).toMatchObject({ runId: first.runId, text: "answer 0", task: "remember seven" });
    const types = events.flatMap((event) => (event.runId === runId ? [event.type] : []));
    expect(types.filter((type) => LIFE.has(type))).toEqual(["accepted", "resumed", "started", "settled"]);
    const { childSessionKey, sessionId } = host.delivered[0]!;
    expect(host.delivered[1]).toMatchObject({ runId, text: "answer 1", task: "which number?", label: "Friend" });
    expect(host.delivered[1]).toMatchObject({ childSessionKey, sessionId });
    expect(textsOf(server.requests[1]!)).toEqual([
      expect.stringMatching(/\[Subagent Task\]\nremember seven$/),
      "answer 0",
      expect.stringMatching(/^\[Message from the session[^\n]*\]\nwhich number\?$/),
    ]);
    expect(host.threads).toEqual([first.childSessionKey]);
  });

  it("is found by every name, listed once however long it is idle, and gone on with by a steer, too", async () => {
    const server = await serveModel(({ index }) => `answer ${index}`);
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const run = await start({ ...SESSION, task: "stay", label: "Friend", taskName: "friend" });
    await start("be gone");
    await host.completionsCame(2);
    const { childSessionKey: sessionKey } = run;
    const ways: (() => Promise<object>)[] = [
      () => runtime.send({ label: "friend", message: "more" }, requester),
      () => runtime.send({ label: "Frie", message: "more" }, requester),
      () => runtime.send({ label: run.runId, message: "more" }, requester),
      () => runtime.send({ sessionKey, message: "more" }, requester),
      () => runtime.steer("2", "more", requester),
    ];
    for (const [index, tell] of ways.entries()) {
      const told = await tell();
      expect(told).toMatchObject({ status: "accepted", sessionKey });
      await host.completionsCame(3 + index);
      const listed = await runtime.list(requester, { recentMinutes: 0 });
      const { runId } = told as { runId: string };
      expect(listed).toMatchObject([{ runId, stays: true, mode: "session", state: "settled" }]);
    }
    expect(await runtime.list(requester)).toHaveLength(2);
    expect(await runtime.kill("last", requester)).toMatchObject({ sessionKey: run.childSessionKey });
  });

  it("keeps depth, role, tools, model, time and files from run to run", async () => {
    const server = await serveModel(({ index }) => `answer ${index}`);
    const fixture = await withThreads({
      model: server.model,
      config: { tools: { sessions_spawn: { attachments: { enabled: true } } } },
    });
    const { start, runtime, requester, host } = fixture;
    const by = { ...requester, tools: ["read", "list", "write"] };
    const asked: SpawnParams = {
      ...{ ...SESSION, task: "stay", model: "fixture/one", thinking: "low", lightContext: true },
      ...{ toolsDeny: ["write"], runTimeoutSeconds: 77, attachments: [{ name: "note.txt", content: "hello" }] },
    };
    const run = await start(asked, by);
    await host.completionsCame(1);
    const sent = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    await host.completionsCame(2);
    const before = (await recordOf(fixture, run.runId))!;
    const after = (await recordOf(fixture, (sent as { runId: string }).runId))!;
    const { depth, role, tools, sessionId, transcriptPath, workspaceDir, attachmentsDir, rootSessionKey } = before;
    expect(tools).toEqual(["read", "list"]);
    expect(after).toMatchObject({ depth, role, tools, sessionId, transcriptPath, workspaceDir, rootSessionKey });
    expect(after).toMatchObject({ attachmentsDir });
    expect(before).not.toHaveProperty("kept");
    expect(after.kept).toMatchObject({ thinking: "low", timeoutMs: 77_000, lightContext: true, isolation: "thread" });
    expect(after.kept!.models).toEqual([`${server.model.provider}/${server.model.id}`]);
    expect(host.resolved.at(-1)).toMatchObject({ ref: after.kept!.models[0] });
    const [first, second] = server.requests;
    expect(namesOf(second!)).toEqual(namesOf(first!));
    expect(second!.body["tools"]).toHaveLength(2);
    expect(JSON.stringify(second!.messages[0])).toContain("note.txt");
  });

  it("is gone on with after its run failed or its time was up", async () => {
    const server = await serveModel(async ({ lastUserText }): Promise<Reply> => {
      if (lastUserText.includes("again")) return "better";
      await new Promise(() => undefined);
      return "";
    });
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const run = await start({ ...SESSION, task: "endless", runTimeoutSeconds: 1 });
    await host.completionsCame(1);
    expect(host.delivered[0]).toMatchObject({ outcome: { status: "timeout" } });
    await runtime.send({ sessionKey: run.childSessionKey, message: "again" }, requester);
    await host.completionsCame(2);
    expect(host.delivered[1]).toMatchObject({ outcome: { status: "ok" }, text: "better" });
    await runtime.send({ sessionKey: run.childSessionKey, message: "endless" }, requester);
    await host.completionsCame(3);
    expect(host.delivered[2]).toMatchObject({ outcome: { status: "timeout" } });
  });

  it("has never more tools than it was given, and fewer when the configuration now says so", async () => {
    const server = await serveModel(({ index }) => `answer ${index}`);
    const denying = (...deny: string[]) => ({
      model: server.model,
      limits: { maxSpawnDepth: 1 },
      config: { tools: { subagents: { tools: { deny } } } },
    });
    const before = await withThreads(denying("write", "edit"));
    await before.start({ ...SESSION, task: "stay", label: "Friend" });
    await before.host.completionsCame(1);
    await before.close();
    const { runtime, requester, host } = await withThreads({ ...denying("find"), stateDir: before.stateDir });
    await runtime.send({ label: "Friend", message: "more" }, requester);
    await host.completionsCame(1);
    expect(namesOf(server.requests[0]!)).toEqual(["read", "list", "find", "search"]);
    expect(namesOf(server.requests[1]!)).toEqual(["read", "list", "search"]);
  });
});

describe("the end of a session that stays", () => {
  it("is a kill, at work or idle, with those that stay below it", async () => {
    const server = await serveModel((request): Reply => {
      if (isFor(request, "below")) return "leaf done";
      if (request.afterToolResult || request.lastUserText.includes("[Subagent result]")) return "all in";
      return { toolCalls: [{ name: "sessions_spawn", args: { task: "below", label: "Below", thread: true } }] };
    });
    const limits = { maxSpawnDepth: 2 };
    const { start, runtime, requester, host } = await withThreads({ model: server.model, limits });
    const run = await start({ ...SESSION, task: "above", label: "Above" });
    await host.completionsCame(1);
    expect(host.threads).toHaveLength(2);
    const both = await runtime.list(requester, { descendants: true, recentMinutes: 0 });
    expect(both).toMatchObject([
      { label: "Above", stays: true },
      { label: "Below", stays: true },
    ]);
    const killed = await runtime.kill("Above", requester);
    expect(killed).toMatchObject({ status: "ok", runId: run.runId, cascadeKilled: 1, cascadeLabels: ["Below"] });
    expect(host.threads).toEqual([]);
    const sent = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    expect(sent).toMatchObject({ status: "error", code: "capability_missing" });
    expect(await runtime.kill("Above", requester)).toMatchObject({ status: "done", cascadeKilled: 0 });
    expect(await runtime.list(requester, { recentMinutes: 0 })).toEqual([]);
  });

  it("comes before a follow-up that is being prepared, and for all, idle ones too", async () => {
    const server = await serveModel(() => "answer");
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const one = await start({ ...SESSION, task: "one", label: "One" });
    const two = await start({ ...SESSION, task: "two", label: "Two" });
    await host.completionsCame(2);
    const resolving = gate();
    const go = gate();
    host.onResolve = async () => {
      resolving.open();
      await go.opened;
      return server.model;
    };
    const sent = runtime.send({ sessionKey: one.childSessionKey, message: "more" }, requester);
    await resolving.opened;
    const killed = await runtime.kill("all", requester);
    expect(killed).toMatchObject({ status: "ok", killed: 2, labels: ["One", "Two"], cascadeKilled: 0 });
    go.open();
    expect(await sent).toMatchObject({ status: "error", code: "capability_missing" });
    expect(await runtime.steer(two.runId, "more", requester)).toMatchObject({ status: "done" });
    expect(server.requests).toHaveLength(2);
    expect(runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
  });

  it("at work is no end of an interruption, which goes on in the session", async () => {
    const { start, runtime, requester } = await withThreads({ engine: "by-task" });
    const run = await start({ ...SESSION, task: "waits" });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    const again = await runtime.steer("last", "again", requester, { interrupt: true });
    expect(again).toMatchObject({ mode: "restart" });
    expect(await runtime.list(requester)).toMatchObject([{ runId: (again as { runId: string }).runId, stays: true }]);
    expect(await runtime.kill(run.runId, requester)).toMatchObject({ status: "ok", cascadeKilled: 0 });
    expect((await runtime.list(requester))[0]).not.toHaveProperty("stays");
  });

  it("isn't the end of the process: another takes follow-ups, also where the run was cut off", async () => {
    const server = await serveModel(async (request): Promise<Reply> => {
      if (request.lastUserText.includes("endless")) await new Promise(() => undefined);
      return "answer";
    });
    const before = await withThreads({ model: server.model });
    const idle = await before.start({ ...SESSION, task: "remember seven", label: "Idle" });
    const busy = await before.start({ ...SESSION, task: "endless", label: "Busy" });
    await before.host.completionsCame(1);
    await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(2);
    await before.close();
    const { runtime, requester, host } = await withThreads({ model: server.model, stateDir: before.stateDir });
    const listed = await runtime.list(requester);
    expect(listed).toMatchObject([
      { runId: idle.runId, stays: true },
      { runId: busy.runId, stays: true, outcome: { status: "interrupted" } },
    ]);
    for (const label of ["Idle", "Busy"]) {
      expect(await runtime.send({ label, message: "go on" }, requester)).toMatchObject({ status: "accepted" });
    }
    await expect.poll(() => host.delivered.filter(({ task }) => task === "go on").length, { timeout: 15_000 }).toBe(2);
    const texts = server.requests.slice(2).map((request) => textsOf(request).join("\n"));
    expect(texts.filter((text) => /remember seven.*answer.*go on/s.test(text))).toHaveLength(1);
    expect(texts.filter((text) => /endless.*go on/s.test(text))).toHaveLength(1);
  });
});

function namesOf({ body }: RecordedRequest): string[] {
  return (body["tools"] as { function: { name: string } }[]).map((tool) => tool.function.name);
}

function isFor(request: RecordedRequest, task: string): boolean {
  return JSON.stringify(request.messages).includes(`[Subagent Task]\\n${task}`);
}
