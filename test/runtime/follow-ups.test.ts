import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { createLogger } from "../../src/log.ts";
import { loadSqlite } from "../../src/registry/sqlite.ts";
import { SESSION, textsOf, withThreads } from "../helpers/kept-sessions.ts";
import type { Reply } from "../helpers/model-server.ts";
import { collect, gate, recordOf, serveModel, tempFolder } from "../helpers/runtime-fixture.ts";

describe("follow-ups", () => {
  it("that come at once are one run with all of them, in order", async () => {
    const go = gate();
    const server = await serveModel(async ({ index }): Promise<Reply> => {
      if (index > 0) await go.opened;
      return `answer ${index}`;
    });
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const run = await start({ ...SESSION, task: "stay" });
    await host.completionsCame(1);
    const say = (message: string) => runtime.send({ sessionKey: run.childSessionKey, message }, requester);
    const sent = await Promise.all(["one", "two", "three"].map(say));
    expect(sent).toMatchObject([{ status: "accepted" }, { status: "accepted" }, { status: "accepted" }]);
    expect(new Set(sent.map((one) => (one as { runId: string }).runId)).size).toBe(1);
    await expect.poll(() => server.requests.length, { timeout: 15_000 }).toBe(2);
    // At work, it is steered.
    expect(await say("four")).toMatchObject({ status: "accepted", runId: (sent[0] as { runId: string }).runId });
    go.open();
    await host.completionsCame(2);
    expect(textsOf(server.requests.at(-1)!).join("\n")).toMatch(/one.*two.*three.*four/s);
    expect(host.delivered).toHaveLength(2);
    expect(await runtime.list(requester)).toHaveLength(1);
  });

  it("wait for the one before, and the next is begun when that can't be", async () => {
    const server = await serveModel(() => "answer");
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const run = await start({ ...SESSION, task: "stay" });
    await host.completionsCame(1);
    const gone = gate();
    let asked = 0;
    host.onResolve = async () => {
      if (asked++ > 0) return server.model;
      await gone.opened;
      throw Object.assign(new Error("The model has no key; give it one."), { code: "model_unusable" });
    };
    const say = (message: string) => runtime.send({ sessionKey: run.childSessionKey, message }, requester);
    const first = say("one");
    const second = say("two");
    gone.open();
    expect(await first).toMatchObject({ status: "error", error: expect.stringContaining("no key") as string });
    expect(await second).toMatchObject({ status: "accepted" });
    await host.completionsCame(2);
    expect(server.requests.at(-1)!.lastUserText).toMatch(/two$/);
    expect(textsOf(server.requests.at(-1)!).join("\n")).not.toMatch(/\bone$/m);
  });

  it("by steer keep its pace, and those sent don't", async () => {
    const server = await serveModel(() => "answer");
    const { start, runtime, requester, host } = await withThreads({ model: server.model });
    const run = await start({ ...SESSION, task: "stay" });
    await host.completionsCame(1);
    expect(await runtime.steer("last", "one", requester)).toMatchObject({ status: "accepted" });
    expect(await runtime.steer("last", "two", requester)).toMatchObject({ status: "rate_limited" });
    expect(await runtime.send({ sessionKey: run.childSessionKey, message: "three" }, requester)).toMatchObject({
      status: "accepted",
    });
  });

  it("count among their requester's active children, and the idle session doesn't", async () => {
    const file = join(tempFolder(), "go");
    const { start, runtime, requester, host } = await withThreads({
      engine: "by-task",
      limits: { maxChildrenPerAgent: 1 },
    });
    const run = await start({ ...SESSION, task: "echo" });
    await host.completionsCame(1);
    await start(`finishes-when-told ${file}`);
    const refused = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    expect(refused).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
    expect(await runtime.kill("last", requester)).toMatchObject({ status: "ok" });
    await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    await host.completionsCame(2);
    expect(host.delivered[1]!.text).toContain("more");
  });

  it("without a transcript to go on from are refused", async () => {
    const fixture = await withThreads({ engine: "by-task" });
    const { start, runtime, requester, host } = fixture;
    const run = await start({ ...SESSION, task: "echo" });
    await host.completionsCame(1);
    rmSync((await recordOf(fixture, run.runId))!.transcriptPath);
    const refused = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    expect(refused).toMatchObject({
      code: "transcript_unusable",
      error: expect.stringMatching(/sessions_spawn/) as string,
    });
    expect(await runtime.list(requester)).toMatchObject([{ runId: run.runId }]);
  });

  it("aren't begun once the runtime is closed", async () => {
    const { start, runtime, requester, host, close } = await withThreads({ engine: "by-task" });
    const run = await start({ ...SESSION, task: "echo" });
    await host.completionsCame(1);
    const resolving = gate();
    const go = gate();
    host.onResolve = async () => {
      resolving.open();
      await go.opened;
      return host.model;
    };
    const sent = runtime.steer(run.runId, "more", requester);
    const refused = expect(sent).rejects.toMatchObject({ code: "runtime_closed" });
    await resolving.opened;
    await close();
    go.open();
    await refused;
  });

  it("wait until the run before is written", async () => {
    const file = join(tempFolder(), "go");
    const errors: string[] = [];
    const logger = createLogger();
    logger.error = (_fields: unknown, message?: string) => void errors.push(message ?? "");
    const { start, runtime, requester, host, stateDir } = await withThreads({ engine: "by-task", logger });
    const run = await start({ ...SESSION, task: `finishes-when-told ${file}` });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    const db = new (loadSqlite().DatabaseSync)(join(stateDir, "registry.sqlite"));
    db.exec(`CREATE TRIGGER full BEFORE UPDATE OF state ON runs WHEN NEW.state = 'settled'
      BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
    writeFileSync(file, "");
    await expect.poll(() => errors, { timeout: 15_000 }).toContainEqual(expect.stringContaining("can't be written"));
    const sent = runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    db.exec("DROP TRIGGER full");
    db.close();
    expect(await sent).toMatchObject({ status: "accepted" });
    await host.completionsCame(2);
    expect(host.delivered[1]!.text).toMatch(/finishes-when-told.*more$/s);
  });

  it("aren't begun for a requester that has ended meanwhile", async () => {
    const file = join(tempFolder(), "go");
    const { start, runtime, host } = await withThreads({ engine: "by-task", limits: { maxSpawnDepth: 2 } });
    const above = await start(`finishes-when-told ${file}`);
    const by = { sessionKey: above.childSessionKey, agentId: "main" };
    const child = await start({ ...SESSION, task: "echo" }, by);
    await expect.poll(async () => (await runtime.list(by))[0], { timeout: 15_000 }).toMatchObject({ state: "settled" });
    const resolving = gate();
    const go = gate();
    host.onResolve = async () => {
      resolving.open();
      await go.opened;
      return host.model;
    };
    const steered = runtime.steer(child.runId, "more", by);
    await resolving.opened;
    writeFileSync(file, "");
    await host.completionsCame(1);
    go.open();
    expect(await steered).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
  });

  it("begin when the turn before has let go of the transcript", async () => {
    // Settled after 2 s of patience, its thread is ended a second later.
    const grace = { abortMs: 2_900, terminateMs: 100 };
    const { start, runtime, requester, host } = await withThreads({ engine: "by-task", subagents: { grace } });
    const events = collect(runtime.events());
    const threadOf = (runId: string) =>
      events.flatMap((event) => (event.runId === runId && event.type === "started" ? [event.threadId] : []))[0];
    const run = await start({ ...SESSION, task: "hangs", runTimeoutSeconds: 1 });
    await host.completionsCame(1);
    const sent = await runtime.send({ sessionKey: run.childSessionKey, message: "more" }, requester);
    const { runId } = sent as { runId: string };
    await expect.poll(() => threadOf(runId), { timeout: 15_000 }).toBeDefined();
    expect(threadOf(runId)).not.toBe(threadOf(run.runId));
  });
});
