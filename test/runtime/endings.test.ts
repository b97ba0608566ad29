import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { RunOutcome } from "../../src/runtime/run-outcome.ts";
import type { RunEvent } from "../../src/events.ts";
import { collect, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

describe("a run whose time is up", () => {
  it("is settled as timed out, with what it had said and used until then", async () => {
    const { start, host } = await startRuntime({ engine: "by-task" });
    await start({ task: "waits", runTimeoutSeconds: 1 });
    await host.deliveredTimes(1);
    const [completion] = host.delivered;
    expect(completion).toMatchObject({
      outcome: { status: "timeout", cause: { code: "run_timeout", message: expect.stringContaining("1 s") as string } },
      text: "as far as it got",
      usage: { output: 5 },
    });
    expect(completion!.message).toContain("as far as it got");
    expect(completion!.message).toContain("status: timeout");
  });

  it("in the midst of its model's answer keeps the part that had come", async () => {
    const server = await serveModel(() => ({ text: "word ".repeat(1_000), chunkChars: 5, delayMs: 20 }));
    const { start, host } = await startRuntime({ model: server.model });
    await start({ task: "talk on", runTimeoutSeconds: 1 });
    await host.deliveredTimes(1);
    expect(host.delivered[0]).toMatchObject({
      outcome: { status: "timeout" },
      text: expect.stringMatching(/^word word/) as string,
    });
    expect(server.requests).toHaveLength(1);
  });

  it("asks none of its model's fallbacks any more", async () => {
    const server = await serveModel(() => ({ silent: true }));
    const model = { ...server.model, fallbacks: [{ ...server.model, id: "another" }] };
    const { start, host } = await startRuntime({ model });
    await start({ task: "talk", runTimeoutSeconds: 1 });
    await host.deliveredTimes(1);
    expect(host.delivered[0]!.outcome.status).toBe("timeout");
    // A fallback would be asked at once.
    await sleep(200);
    expect(server.requests.map((request) => request.body["model"])).toEqual(["scripted-1"]);
  });

  it("is settled all the same when its engine ignores the abort", async () => {
    const { start, host, runtime } = await startRuntime({ engine: "by-task" });
    await start({ task: "hangs", runTimeoutSeconds: 1 });
    await host.deliveredTimes(1);
    expect(host.delivered[0]!.outcome.status).toBe("timeout");
    await expect.poll(() => runtime.stats().runs).toEqual({ queued: 0, running: 0, waiting: 0 });
  });

  it("has the config's time when the spawn names none, and none when it says 0", async () => {
    const { start, host, runtime, requester } = await startRuntime({
      engine: "by-task",
      limits: { runTimeoutSeconds: 1 },
    });
    const endless = await start({ task: "waits", runTimeoutSeconds: 0 });
    await start({ task: "waits", label: "timed" });
    await host.deliveredTimes(1);
    expect(host.delivered.map((one) => one.label)).toEqual(["timed"]);
    expect((await runtime.list(requester)).find((run) => run.runId === endless.runId)!.state).toBe("running");
  });
});

describe("a run that is killed", () => {
  it("is settled at once though its engine ignores the abort, and nobody is told", async () => {
    const { start, host, runtime, requester } = await startRuntime({
      engine: "by-task",
      subagents: { grace: { abortMs: 3_000, terminateMs: 3_000 } },
    });
    const run = await start({ task: "hangs", label: "Deaf" });
    await started(runtime.events(), run.runId);
    const before = performance.now();
    const result = await runtime.kill("Deaf", requester);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(result).toMatchObject({ status: "ok", runId: run.runId, label: "Deaf", cascadeKilled: 0 });
    expect(await runtime.list(requester)).toMatchObject([
      { state: "settled", outcome: { status: "killed", cause: { code: "run_killed" } }, delivery: "none" },
    ]);
    expect(await runtime.kill("Deaf", requester)).toMatchObject({ status: "done", runId: run.runId });
    expect(host.deliveries).toEqual([]);
  });

  it("keeps in its record what it had said and used until then", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const run = await start("waits");
    await started(runtime.events(), run.runId);
    const events = collect(runtime.events());
    expect(await runtime.kill(run.runId, requester)).toMatchObject({ status: "ok", runId: run.runId });
    const { completed } = await runtime.wait([run.runId], requester);
    expect(completed).toMatchObject([
      { outcome: { status: "killed" }, text: "as far as it got", usage: { output: 5 } },
    ]);
    expect(completed[0]!.message).toMatch(/^output: partial/m);
    expect(events.filter(({ type }) => type === "settled")).toMatchObject([{ text: "as far as it got" }]);
  });

  it("in the midst of its model's answer keeps the part that had come", async () => {
    const server = await serveModel(() => ({ text: "word ".repeat(1_000), chunkChars: 5, delayMs: 20 }));
    const { start, runtime, requester } = await startRuntime({ model: server.model });
    const run = await start("talk on");
    const events = collect(runtime.events({ text: true }));
    await expect.poll(() => events.filter(({ type }) => type === "text").length).toBeGreaterThan(2);
    await runtime.kill(run.runId, requester);
    const { completed } = await runtime.wait([run.runId], requester);
    expect(completed).toMatchObject([
      { outcome: { status: "killed" }, text: expect.stringMatching(/^word/) as string },
    ]);
  });

  it("twice at once is ended once, and both callers hear of it when it is written", async () => {
    const { start, runtime, requester } = await startRuntime({ engine: "by-task" });
    const run = await start("hangs");
    await started(runtime.events(), run.runId);
    const kill = async () => {
      const { status } = await runtime.kill(run.runId, requester);
      const [view] = await runtime.list(requester);
      return [status, view!.state];
    };
    expect((await Promise.all([kill(), kill()])).toSorted()).toEqual([
      ["done", "settled"],
      ["ok", "settled"],
    ]);
  });

  it("keeps its slot until its thread has it back, and siblings lose nothing by it", async () => {
    const { start, settled, runtime, requester } = await startRuntime({
      engine: "by-task",
      limits: { maxConcurrent: 2 },
    });
    const file = join(tempFolder(), "go");
    const sibling = await start(`finishes-when-told ${file}`);
    const deaf = await start("hangs");
    await started(runtime.events(), deaf.runId, sibling.runId);
    const next = await start("echo next");
    await runtime.kill(deaf.runId, requester);
    // The deaf one's thread is ended, with the sibling on it, which goes on elsewhere.
    await settled(next.runId);
    writeFileSync(file, "");
    expect(await settled(sibling.runId)).toMatchObject({ outcome: { status: "ok" } });
  });

  it("while it is queued never starts", async () => {
    const server = await serveModel(() => ({ silent: true }));
    const { start, runtime, requester } = await startRuntime({ model: server.model, limits: { maxConcurrent: 1 } });
    const first = await start("first");
    const second = await start("second");
    await expect.poll(() => server.requests.length).toBe(1);
    expect(await runtime.kill(second.runId, requester)).toMatchObject({ status: "ok" });
    await runtime.kill(first.runId, requester);
    const third = await start("third");
    await expect.poll(() => server.requests.length).toBe(2);
    expect(server.requests[1]!.lastUserText).toMatch(/third$/);
    await runtime.kill(third.runId, requester);
    expect(server.requests).toHaveLength(2);
  });

  it("ends the processes its tools have started", async () => {
    const pidFile = join(tempFolder(), "pid");
    const command = `node -e "require('fs').writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)" ${pidFile}`;
    const server = await serveModel(() => ({ toolCalls: [{ name: "exec", args: { command } }] }));
    const { start, runtime, requester } = await startRuntime({
      model: server.model,
      config: { tools: { exec: { security: "full", ask: "off" } } },
    });
    await start("run it");
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, "utf8"), { timeout: 10_000 }).toMatch(/^\d+$/);
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(lives(pid)).toBe(true);
    await runtime.kill("all", requester);
    await expect.poll(() => lives(pid), { timeout: 10_000 }).toBe(false);
  });

  it("can be named in every way a list shows, and is told apart from unknown and ambiguous ones", async () => {
    const { start, runtime, requester } = await startRuntime({
      engine: "by-task",
      limits: { maxChildrenPerAgent: 20 },
    });
    const kill = (target: string, by = requester) => runtime.kill(target, by);
    const named = async (label?: string) => start({ task: "waits", ...(label === undefined ? {} : { label }) });
    expect(await kill("all")).toMatchObject({ status: "done" });
    expect(await kill("last")).toMatchObject({ status: "error", code: "not_found" });
    expect(await kill((await named()).runId)).toMatchObject({ status: "ok" });
    expect(await kill((await named()).runId.slice(0, 13))).toMatchObject({ status: "ok" });
    expect(await kill((await named()).childSessionKey)).toMatchObject({ status: "ok" });
    expect(await kill((await named("exact"), "exact"))).toMatchObject({ status: "ok" });
    expect(await kill((await named("begins like this"), "begins"))).toMatchObject({ status: "ok" });
    expect(await kill((await start({ task: "waits", taskName: "handle-1" })).taskName!)).toMatchObject({
      status: "ok",
    });
    const { runId } = await named();
    const number = (await runtime.list(requester)).findIndex((run) => run.runId === runId) + 1;
    expect(await kill(String(number))).toMatchObject({ status: "ok", runId });
    // Some ids begin with some of these.
    await Promise.all(Array.from({ length: 12 }, () => named()));
    for (const none of ["0", "00", "99", ..."acdf"]) {
      expect(await kill(none), none).toMatchObject({ status: "error", code: "not_found" });
    }
    expect(await kill("*")).toMatchObject({ text: expect.stringContaining("12") as string });
    expect(await kill((await named(), "last"))).toMatchObject({ status: "ok" });
    await Promise.all([named("twin one"), named("twin two")]);
    expect(await kill("twin")).toMatchObject({ status: "error", code: "ambiguous" });
    expect(await kill("nobody")).toMatchObject({ status: "error", code: "not_found" });
    const stranger = { sessionKey: "agent:main:stranger", agentId: "main" };
    expect(await kill("twin one", stranger)).toMatchObject({ status: "error", code: "not_found" });
    expect(await kill("*")).toMatchObject({ status: "ok", text: expect.stringContaining("2") as string });
  });
});

describe("endings that race", () => {
  it("leave the first one standing", () => {
    const outcome = new RunOutcome();
    expect(outcome.offer({ status: "ok" })).toBe(true);
    expect(outcome.offer({ status: "error" })).toBe(false);
    expect(outcome.settled).toEqual({ status: "ok" });
  });

  it("settle a run exactly once, killed and finished in the same moment", async () => {
    const { start, host, runtime, requester } = await startRuntime({
      engine: "by-task",
      limits: { maxChildrenPerAgent: 20, maxConcurrent: 20 },
    });
    const events = collect(runtime.events());
    const folder = tempFolder();
    const runs = await Promise.all(
      Array.from({ length: 15 }, (_, n) => start(`finishes-when-told ${join(folder, String(n))}`)),
    );
    await expect.poll(() => events.filter((event) => event.type === "tool_start").length).toBe(15);
    for (const [n, run] of runs.entries()) {
      writeFileSync(join(folder, String(n)), "");
      // From well before the answer to well after it.
      await new Promise((resolve) => setTimeout(resolve, n));
      void runtime.kill(run.runId, requester);
    }
    const { completed } = await runtime.wait(
      runs.map((run) => run.runId),
      requester,
      { timeoutMs: 10_000 },
    );
    const settled = () => events.filter((event) => event.type === "settled").map((event) => event.runId);
    await expect.poll(() => settled().sort()).toEqual(runs.map((run) => run.runId).sort());
    const finished = completed.filter((one) => one.outcome.status === "ok").map((one) => one.runId);
    await expect.poll(() => host.delivered.map((one) => one.runId).sort()).toEqual(finished.sort());
    expect(completed.every((one) => ["ok", "killed"].includes(one.outcome.status))).toBe(true);
  });
});

/** Resolves when each of the runs has its engine at work. */
async function started(events: AsyncIterable<RunEvent>, ...runIds: string[]): Promise<void> {
  const left = new Set(runIds);
  for await (const event of events) {
    if (event.type === "tool_start") left.delete(event.runId);
    if (left.size === 0) return;
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
