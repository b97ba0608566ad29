import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { openRegistry } from "../../src/registry/registry.ts";
import { parseTranscript } from "../../src/sessions/transcript-format.ts";
import type { Completion } from "../../src/types.ts";
import { beyond, resourcesInUse } from "../helpers/leak-guard.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import {
  closeAfterTest,
  collect,
  gate,
  MAIN,
  serveModel,
  startRuntime,
  tempFolder,
} from "../helpers/runtime-fixture.ts";

describe("a runtime that closes", () => {
  it("settles what is unsettled as interrupted, delivers it, and takes no more spawns", async () => {
    const { start, runtime, requester, host, close, stateDir } = await startRuntime({
      engine: "by-task",
      limits: { maxConcurrent: 1 },
    });
    const [running, queued] = [await start("waits"), await start("echo never")];
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    await close();
    const outcomes = Object.fromEntries(host.delivered.map((one) => [one.runId, one.outcome]));
    const interrupted = { status: "interrupted", cause: { code: "run_interrupted" } };
    expect(outcomes).toMatchObject({ [running.runId]: interrupted, [queued.runId]: interrupted });
    await expect(runtime.spawn({ task: "echo" }, requester)).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(runtime.kill("all", requester)).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(runtime.list(requester)).rejects.toMatchObject({ code: "runtime_closed" });
    await expect(runtime.wait([running.runId], requester)).rejects.toMatchObject({ code: "runtime_closed" });
    expect(() => runtime.stats()).toThrow(expect.objectContaining({ code: "runtime_closed" }) as Error);
    runtime.deliverPending(MAIN);
    const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
    expect([registry.unsettled(), registry.owners()]).toEqual([[], []]);
    await registry.close();
  });

  it("lets what runs go on for as long as drainMs says", async () => {
    const server = await serveModel(() => ({ text: "just in time", firstByteDelayMs: 200 }));
    const { start, runtime, host } = await startRuntime({ model: server.model });
    await start("quick");
    await expect.poll(() => server.requests.length).toBe(1);
    const closing = runtime.close({ drainMs: 10_000 });
    await expect(runtime.spawn({ task: "x" }, { sessionKey: MAIN, agentId: "main" })).rejects.toMatchObject({
      code: "runtime_closed",
    });
    await closing;
    expect(host.delivered).toMatchObject([{ text: "just in time", outcome: { status: "ok" } }]);
  });

  it("has nothing left that keeps the process, at once, though its graces are long", async () => {
    const before = resourcesInUse();
    const { start, runtime, close } = await startRuntime({
      engine: "by-task",
      subagents: { grace: { abortMs: 20_000, terminateMs: 20_000 } },
    });
    await start("waits");
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    await Promise.all([close(), close()]);
    expect(beyond(before)).toEqual([]);
  });

  it("is done within its graces though an engine doesn't let go", async () => {
    const { start, runtime, close, host } = await startRuntime({ engine: "by-task" });
    await start("spins");
    await start({ task: "hangs", isolation: "dedicated" });
    await expect.poll(() => runtime.stats().threads.total).toBe(2);
    await sleep(100);
    const startedAt = performance.now();
    await close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(host.delivered.map((one) => one.outcome.status)).toEqual(["interrupted", "interrupted"]);
  });

  it.each(["deliver", "alreadyDelivered"])("doesn't wait for ever for a host whose %s never answers", async (what) => {
    const { start, host, close } = await startRuntime({ engine: "by-task", limits: { announceTimeoutMs: 300 } });
    const never = gate<"busy">();
    host.onDeliver = what === "deliver" ? () => never.opened : () => Promise.reject(new Error("try again"));
    host.onAsked = () => never.opened.then(() => []);
    await start("echo one");
    await host.deliveredTimes(1);
    if (what === "alreadyDelivered") await expect.poll(() => host.asked.length, { timeout: 10_000 }).toBe(1);
    const closed = await Promise.race([close().then(() => true), sleep(5_000, false)]);
    never.open("busy");
    expect(closed).toBe(true);
  });

  it("leaves whole transcripts behind", async () => {
    const server = await serveModel(() => ({ text: "word ".repeat(500), chunkChars: 5, delayMs: 5 }));
    const { start, close, stateDir, runtime } = await startRuntime({
      model: server.model,
      subagents: { grace: { abortMs: 5_000 } },
    });
    const events = collect(runtime.events({ text: true }));
    const { runId } = await start("talk");
    await expect.poll(() => events.some((event) => event.type === "text")).toBe(true);
    await close();
    const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
    const { transcriptPath } = registry.run(runId)!;
    await registry.close();
    const { messages, torn } = parseTranscript(readFileSync(transcriptPath, "utf8"));
    expect({ torn, roles: messages.map((message) => message.role) }).toEqual({
      torn: false,
      roles: ["user", "assistant"],
    });
    expect(JSON.stringify(messages[1]!["content"])).toContain("word word");
  });
});

describe("several runtimes on one state directory", () => {
  it("leave each other's runs and completions alone", async () => {
    const first = await startRuntime({ engine: "by-task" });
    first.host.onDeliver = async () => "busy";
    const working = await first.start("waits");
    await first.settled((await first.start("echo mine")).runId);
    const second = await startRuntime({ engine: "by-task", stateDir: first.stateDir });
    const { runId } = await second.start("echo yours", { ...second.requester, sessionKey: "agent:main:two" });
    await second.host.deliveredTimes(1);
    await second.close();
    expect(second.host.delivered.map((one) => one.runId)).toEqual([runId]);
    const runs = await first.runtime.list(first.requester);
    expect(runs.find((run) => run.runId === working.runId)!.state).toBe("running");
    first.host.onDeliver = async () => "delivered";
    first.runtime.deliverPending(MAIN);
    await expect.poll(() => first.runtime.stats().outbox.pending).toBe(0);
  });
});

it("what a killed process left is settled once as interrupted at the next start, told with its last words, and not run again", async () => {
  const server = await serveModel(({ lastUserText, afterToolResult }) => {
    if (lastUserText.endsWith("settles")) return "settled before the end";
    if (afterToolResult) return { silent: true };
    return { text: "Half of it is done.", toolCalls: [{ name: "list", args: {} }] };
  });
  const stateDir = join(tempFolder(), "state");
  const owner = fork(OWNER, [stateDir, tempFolder(), server.baseUrl], {
    execArgv: [],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  closeAfterTest(async () => void owner.kill("SIGKILL"));
  const [ids] = (await once(owner, "message")) as [Record<string, string>];
  await expect
    .poll(() => server.requests.filter((request) => request.afterToolResult).length, { timeout: 20_000 })
    .toBe(2);
  const exited = once(owner, "exit");
  owner.kill("SIGKILL");
  await exited;

  const asked = server.requests.length;
  const host = new RecordingHost(tempFolder());
  host.known = [`subagent:${ids["settles"]}`];
  const next = await startRuntime({ stateDir, host, model: server.model });
  await expect.poll(() => next.runtime.stats().outbox.pending).toBe(0);
  const told: Record<string, Completion> = {};
  for (const one of host.delivered) told[one.label!] = one;
  // The first one stands in the requester's transcript already, as its key tells.
  expect(host.asked.flat()).toContain(`subagent:${ids["settles"]}`);
  expect(Object.keys(told).sort()).toEqual(["queues", "works", "works too"]);
  for (const label of ["works", "works too", "queues"]) {
    expect(told[label]).toMatchObject({
      runId: ids[label],
      outcome: { status: "interrupted" },
      requesterSessionKey: MAIN,
    });
  }
  await next.close();
  const third = await startRuntime({ stateDir, model: server.model });
  await sleep(100);
  expect(third.host.deliveries).toEqual([]);
  expect(server.requests).toHaveLength(asked);
  expect(told["works"]!.text).toBe("Half of it is done.");
  expect(told["works"]!.message).toContain("Half of it is done.");
  // What it had used of its budget isn't lost with the process that counted it.
  expect(told["works"]!.budget).toMatchObject({ of: "run", limits: { turns: 9 }, used: { turns: 2, toolCalls: 1 } });
  expect(told["works"]!.budget!.used.tokens).toBeGreaterThan(0);
  expect(told["works too"]).not.toHaveProperty("budget");
});

const OWNER = join(import.meta.dirname, "..", "fixtures", "owner-process.ts");
