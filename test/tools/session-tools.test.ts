import { describe, expect, it } from "vitest";

import type { ToolOutput } from "../../src/host.ts";
import { createSessionTools } from "../../src/tools/session-tools.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { MAIN, startRuntime, tempFolder, type Fixture, type FixtureOptions } from "../helpers/runtime-fixture.ts";

type Json = Record<string, unknown>;

describe("sessions_spawn", () => {
  it("starts a run, and its result is the same as JSON in the content and in the details", async () => {
    const { spawn, host } = await tools();
    const output = await spawn({ task: "echo hello", label: "Greeter" });
    expect(output.isError).toBeUndefined();
    expect(output.content).toHaveLength(1);
    expect(JSON.parse(output.content[0]!.text)).toEqual(output.details);
    expect(output.details).toMatchObject({ status: "accepted", mode: "run", runtime: "inprocess" });
    await host.deliveredTimes(1);
    expect(host.delivered[0]).toMatchObject({ label: "Greeter", requesterSessionKey: MAIN });
  });

  it("takes every parameter that asks for what this runtime does anyway", async () => {
    const { spawn } = await tools({ limits: { maxChildrenPerAgent: 20 } });
    const harmless: Json[] = [
      { runtime: "subagent" },
      { thread: false, mode: "run" },
      { sandbox: "inherit" },
      { context: "isolated", lightContext: false, collect: false },
      { cleanup: "keep", expectsCompletionMessage: true, thinking: "off" },
      { runTimeoutSeconds: 0 },
      { timeoutSeconds: 60.9 },
      { isolation: "thread", toolsAllow: ["read"], toolsDeny: [] },
    ];
    for (const more of harmless) {
      const { details } = await spawn({ task: "echo", ...more });
      expect(details, JSON.stringify(more)).toMatchObject({ status: "accepted" });
    }
  });

  it("takes null, empty texts and no attachments for nothing, and an agent's id in any case", async () => {
    const { spawn } = await tools();
    const nothing = { label: "", model: null, thinking: " ", attachments: [], cwd: "", runTimeoutSeconds: null };
    const { details } = await spawn({ task: "echo", agentId: "Main", ...nothing });
    expect(details).toMatchObject({ status: "accepted", modelApplied: false });
  });

  it("starts nothing for a session that is sandboxed, which its child wouldn't be", async () => {
    const { runtime, requester } = await tools();
    const [spawnTool] = createSessionTools(runtime, { ...requester, sandboxed: true });
    const { details } = await spawnTool!.execute("call_0", { task: "echo" }, AbortSignal.timeout(5_000));
    expect(details).toMatchObject({ status: "forbidden", error: expect.stringContaining("sandboxed") as string });
    expect(await runtime.list(requester)).toEqual([]);
  });

  it("takes a call's id that comes again with another task for another call", async () => {
    const { runtime, requester } = await tools();
    const [spawnTool] = createSessionTools(runtime, { ...requester, turnId: "turn-1" });
    const call = async (task: string) =>
      ((await spawnTool!.execute("call_0", { task }, AbortSignal.timeout(5_000))).details as Json)["runId"];
    const first = await call("echo one");
    expect(await call("echo two")).not.toBe(first);
    expect(await call("echo one")).toBe(first);
  });

  it("takes timeoutSeconds for runTimeoutSeconds, and prefers the latter", async () => {
    const { spawn, host } = await tools();
    await spawn({ task: "waits", timeoutSeconds: 1 });
    await spawn({ task: "waits", timeoutSeconds: 600, runTimeoutSeconds: 1 });
    await expect
      .poll(() => host.delivered.map((one) => one.outcome.status), { timeout: 10_000 })
      .toEqual(["timeout", "timeout"]);
  });

  it("refuses what it can't do, each in one sentence that names it, and starts nothing", async () => {
    const { spawn, runtime, requester } = await tools();
    for (const [what, args, sentence] of REFUSED) {
      const { details } = await spawn(args);
      expect.soft(details, what).toMatchObject({ status: "error", code: "params_invalid" });
      expect.soft((details as Json).error, what).toMatch(sentence);
      expect.soft((details as Json).error, what).not.toContain("\n");
    }
    expect(await runtime.list(requester)).toEqual([]);
  });

  it("refuses what its host can't by name, doesn't offer it, and starts nothing", async () => {
    const { spawn, runtime, requester } = await tools();
    const offered = createSessionTools(runtime, requester)[0]!.parameters["properties"] as Json;
    const { details } = await spawn({ task: "x", thread: true });
    expect(details).toMatchObject({ status: "error", code: "capability_missing" });
    expect((details as Json).error).toMatch(/^thread needs a channel.*`session`/);
    expect(offered).not.toHaveProperty("thread");
    expect(await runtime.list(requester)).toEqual([]);
    expect(Object.keys(offered)).toContain("taskName");
    expect((await spawn({ task: "echo", mode: "run" })).details).toMatchObject({ status: "accepted" });
  });

  it("offers a thread where the host can bind one", async () => {
    const host = new RecordingHost(tempFolder()).bindThreads();
    const { runtime, requester } = await startRuntime({ engine: "by-task", host });
    const offered = createSessionTools(runtime, requester)[0]!.parameters["properties"] as Json;
    expect(Object.keys(offered)).toEqual(expect.arrayContaining(["thread", "mode"]));
  });

  it("tells a model what a forbidden spawn was refused for", async () => {
    const { spawn } = await tools({ limits: { maxChildrenPerAgent: 1 } });
    await spawn({ task: "waits" });
    expect((await spawn({ task: "waits" })).details).toMatchObject({
      status: "forbidden",
      error: expect.stringMatching(/1 active/) as string,
    });
  });

  it("called twice for one call of one turn starts one run", async () => {
    const { runtime, requester } = await startRuntime({ engine: "by-task" });
    const spawnTool = (turnId: string) => createSessionTools(runtime, { ...requester, turnId })[0]!;
    const call = async (turnId: string, callId: string) =>
      ((await spawnTool(turnId).execute(callId, { task: "waits" }, never())).details as Json).runId;
    const first = await call("turn 1", "call_0");
    expect(await call("turn 1", "call_0")).toBe(first);
    expect(await call("turn 1", "call_1")).not.toBe(first);
    expect(await call("turn 2", "call_0")).not.toBe(first);
  });

  it("of a closed runtime answers with an error, not an exception", async () => {
    const { spawn, close } = await tools();
    await close();
    expect((await spawn({ task: "x" })).details).toMatchObject({ status: "error", code: "runtime_closed" });
  });
});

describe("subagents", () => {
  it("lists what is at work and what has ended, in the words and fields of OpenClaw", async () => {
    const { spawn, subagents, settled, runtime } = await tools();
    await settled(((await spawn({ task: "echo done", label: "Done" })).details as Json).runId as string);
    await settled(((await spawn({ task: "throws", label: "Failed" })).details as Json).runId as string);
    const timed = await spawn({ task: "waits", label: "Late", runTimeoutSeconds: 1 });
    await settled((timed.details as Json).runId as string);
    await spawn({ task: "waits" });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    const { details, content } = await subagents({ action: "list" });
    expect(JSON.parse(content[0]!.text)).toEqual(JSON.parse(JSON.stringify(details)));
    expect(details).toMatchObject({
      status: "ok",
      action: "list",
      requesterSessionKey: MAIN,
      callerSessionKey: MAIN,
      callerIsSubagent: false,
      total: 4,
      active: [{ index: 4, label: "waits", task: "waits", status: "running" }],
      recent: [
        { index: 1, label: "Done", status: "done" },
        { index: 2, label: "Failed", status: "failed" },
        { index: 3, label: "Late", status: "timeout" },
      ],
    });
    expect((details as { recent: Json[] }).recent[0]).toEqual({
      index: 1,
      runId: expect.any(String) as string,
      sessionKey: expect.stringMatching(/^agent:main:subagent:/) as string,
      label: "Done",
      task: "echo done",
      status: "done",
      pendingDescendants: 0,
      runtime: expect.any(String) as string,
      runtimeMs: expect.any(Number) as number,
      model: "fixture/echo",
      totalTokens: 0,
      startedAt: expect.any(Number) as number,
      endedAt: expect.any(Number) as number,
    });
    expect((details as Json).text).toContain("2. Failed: failed");
  });

  it("without children says so, and needs no arguments", async () => {
    const { subagents } = await tools();
    expect((await subagents({})).details).toMatchObject({
      status: "ok",
      total: 0,
      active: [],
      recent: [],
      text: "No subagents.",
    });
  });

  it("kills by label and answers with what it ended", async () => {
    const { spawn, subagents } = await tools();
    const { runId, childSessionKey } = (await spawn({ task: "waits", label: "Endless" })).details as Json;
    expect((await subagents({ action: "kill", target: "Endless" })).details).toEqual({
      status: "ok",
      action: "kill",
      target: "Endless",
      runId,
      sessionKey: childSessionKey,
      label: "Endless",
      cascadeKilled: 0,
      cascadeLabels: [],
      text: "Ended 1 subagent.",
    });
    expect((await subagents({ action: "kill", target: "Endless" })).details).toMatchObject({ status: "done" });
  });

  it("answers what it can't do with an error", async () => {
    const { subagents } = await tools();
    const wrong: [Json, string][] = [
      [{ action: "kill" }, "params_invalid"],
      [{ action: "kill", target: "nobody" }, "not_found"],
      [{ action: "dance" }, "params_invalid"],
      [{ action: "list", recentMinutes: 0 }, "params_invalid"],
      [{ action: "list", recentMinutes: 1441 }, "params_invalid"],
    ];
    for (const [args, code] of wrong) {
      expect((await subagents(args)).details, JSON.stringify(args)).toMatchObject({ status: "error", code });
    }
  });
});

it("every tool's parameters are a JSON Schema of draft 7 with nothing later in it", async () => {
  const { runtime, requester } = await startRuntime({ engine: "by-task" });
  const tools = createSessionTools(runtime, requester);
  const [spawn, subagents] = tools;
  for (const { name, parameters, description, label } of tools) {
    expect(parameters).toMatchObject({ $schema: "http://json-schema.org/draft-07/schema#", type: "object" });
    expect(
      keywordsIn(parameters).filter((keyword) => !DRAFT_7.has(keyword)),
      name,
    ).toEqual([]);
    expect(structuredClone(parameters)).toEqual(parameters);
    expect(description.length).toBeGreaterThan(40);
    expect(label).not.toBe("");
  }
  expect(spawn!.parameters["required"]).toEqual(["task"]);
  expect(subagents!.parameters["required"] ?? []).toEqual([]);
});

async function tools(options: FixtureOptions = {}) {
  const fixture: Fixture = await startRuntime({ engine: "by-task", ...options });
  const [spawn, subagents] = createSessionTools(fixture.runtime, fixture.requester);
  return {
    ...fixture,
    spawn: (args: unknown): Promise<ToolOutput> => spawn!.execute("call_1", args, never()),
    subagents: (args: unknown): Promise<ToolOutput> => subagents!.execute("call_2", args, never()),
  };
}

/** Every keyword of a schema and of those in it. */
function keywordsIn(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap(keywordsIn);
  return Object.entries(schema).flatMap(([keyword, value]) => [
    keyword,
    ...(keyword === "properties"
      ? Object.values(value as Json).flatMap(keywordsIn)
      : DEEP.has(keyword)
        ? keywordsIn(value)
        : []),
  ]);
}

function never(): AbortSignal {
  return new AbortController().signal;
}

const DEEP = new Set(["items", "anyOf", "allOf", "oneOf", "not", "additionalProperties"]);
const DRAFT_7 = new Set(
  (
    "$schema type properties required additionalProperties items anyOf allOf oneOf not enum const default description title " +
    "minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength pattern minItems maxItems uniqueItems format"
  ).split(" "),
);

const SENDING = ["target", "transport", "channel", "to", "threadId", "thread_id", "replyTo", "reply_to"];
const REFUSED: [what: string, args: unknown, RegExp][] = [
  ...SENDING.map((name): [string, unknown, RegExp] => [
    name,
    { task: "x", [name]: "somewhere" },
    new RegExp(`${name}: .*sessions_send`),
  ]),
  ...[undefined, null, 5, "task", []].map((args): [string, unknown, RegExp] => [
    `arguments ${JSON.stringify(args)}`,
    args,
    /^sessions_spawn: /,
  ]),
  ["no task", {}, /task: say what/],
  ["an empty task", { task: "  " }, /task: say what/],
  ["a task that is no text", { task: 5 }, /task/],
  ["an agent id of other letters", { task: "x", agentId: "Not OK" }, /agentId: use a-z/],
  ["an unknown thinking level", { task: "x", thinking: "very" }, /thinking/],
  ["a negative timeout", { task: "x", runTimeoutSeconds: -1 }, /runTimeoutSeconds/],
  ["a session", { task: "x", mode: "session" }, /^mode `session`.*`run`/],
  ["an acp session", { task: "x", runtime: "acp" }, /runtime: .*acp/],
  ["a handle that means another", { task: "x", taskName: "last" }, /taskName: .*`last`/],
  ["a name nobody knows", { task: "x", modle: "y" }, /modle: no such parameter/],
  ["several at once", { task: "x", to: "a", modle: "b" }, /to: .*; modle: /],
  ["a prototype's name", JSON.parse('{"task":"x","__proto__":{"a":1},"constructor":1}') as Json, /no such parameter/],
];
