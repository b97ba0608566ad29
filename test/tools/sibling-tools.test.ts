import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { stateLayout } from "../../src/adapters/state-layout.ts";
import type { Host } from "../../src/host.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { createSessionTools, MAIN_SESSION_TOOLS } from "../../src/tools/session-tools.ts";
import type { Requester } from "../../src/types.ts";
import type { Reply } from "../helpers/model-server.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { MAIN, serveModel, startRuntime, tempFolder, type FixtureOptions } from "../helpers/runtime-fixture.ts";
import { KEPT, LIMITS, newRun, settlementOf } from "../registry/fixtures/rows.ts";

type Json = Record<string, unknown>;

describe("the tools of a session", () => {
  it("are all of them for a main session, none that sends or names agents for a child", async () => {
    const { runtime, requester } = await startRuntime({ engine: "by-task" });
    const names = (by: Requester) => createSessionTools(runtime, by).map((tool) => tool.name);
    const ofChild = [
      ...["sessions_spawn", "subagents", "sessions_list", "sessions_history", "sessions_yield"],
      "agents_wait",
    ];
    expect(names(requester)).toEqual([...ofChild, "sessions_send", "agents_list"]);
    expect(names(requester)).toEqual(MAIN_SESSION_TOOLS);
    expect(names({ ...requester, depth: 1 })).toEqual(ofChild);
    expect(names({ sessionKey: "agent:main:subagent:x", agentId: "main" })).toEqual(ofChild);
  });
});

describe("subagents", () => {
  it("lists with numbers that go on meaning what was shown", async () => {
    const { call, start, settled } = await tools({ limits: { maxChildrenPerAgent: 5 } });
    const first = await start({ task: "echo a", label: "First" });
    await settled(first.runId);
    await start({ task: "waits", label: "Second" });
    const shown = await call("subagents", { action: "list" });
    expect(shown).toMatchObject({ total: 2, active: [{ index: 2, label: "Second" }], recent: [{ index: 1 }] });
    await start({ task: "waits", label: "Third" });
    expect(await call("subagents", { action: "kill", target: "2" })).toMatchObject({ status: "ok", label: "Second" });
    expect(await call("subagents", { action: "kill", target: "3" })).toMatchObject({ status: "ok", label: "Third" });
    expect(await call("subagents", { action: "kill", target: "1" })).toMatchObject({ status: "done", label: "First" });
    expect(await call("subagents", { action: "kill", target: "4" })).toMatchObject({
      status: "error",
      code: "not_found",
    });
  });

  it("says how many children an orchestrator waits for, and their sessions", async () => {
    const server = await serveModel((request): Reply => {
      if (request.lastUserText.includes("endless")) return { silent: true };
      if (request.afterToolResult) return "I wait";
      return { toolCalls: ["a", "b"].map((x) => ({ name: "sessions_spawn", args: { task: `endless ${x}` } })) };
    });
    const { call, start, runtime } = await tools({ model: server.model });
    await start({ task: "orchestrate", label: "O" });
    await expect.poll(() => runtime.stats().runs.waiting, { timeout: 15_000 }).toBe(1);
    const { active } = (await call("subagents", {})) as { active: Json[] };
    expect(active).toMatchObject([{ status: "active (waiting on 2 children)", pendingDescendants: 2 }]);
    expect(active[0]!.childSessions).toHaveLength(2);
    const { count, sessions } = (await call("sessions_list", { messageLimit: 5 })) as {
      count: number;
      sessions: Json[];
    };
    expect(count).toBe(3);
    expect(new Set(sessions.map((row) => row.spawnedBy))).toEqual(new Set([MAIN, active[0]!.sessionKey]));
    expect(sessions.find((row) => row.label === "O")).toMatchObject({
      key: active[0]!.sessionKey,
      kind: "other",
      agentId: "main",
      messages: [{ role: "user" }, { role: "assistant" }],
    });
    expect(await call("sessions_list", { kinds: ["main"] })).toEqual({ count: 0, sessions: [] });
    expect(await call("sessions_list", { kinds: ["subagent"], limit: 2 })).toMatchObject({ count: 2 });
    expect(await call("subagents", { action: "kill", target: "*" })).toMatchObject({
      status: "ok",
      action: "kill",
      target: "*",
      killed: 3,
      cascadeKilled: 2,
      cascadeLabels: ["endless a", "endless b"],
    });
  });

  it("steers, in the shape of the contract", async () => {
    const { call, start, runtime } = await tools();
    const { runId, childSessionKey } = await start({ task: "waits", label: "Waiter" });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    expect(await call("subagents", { action: "steer", target: "Wai", message: "faster" })).toEqual({
      status: "accepted",
      action: "steer",
      target: "Wai",
      runId,
      sessionKey: childSessionKey,
      label: "Waiter",
      mode: "inject",
      text: expect.any(String) as string,
    });
    expect(await call("subagents", { action: "steer", target: "Wai", message: "faster" })).toMatchObject({
      status: "rate_limited",
      target: "Wai",
    });
    expect(await call("subagents", { action: "steer", target: "Wai" })).toMatchObject({ code: "params_invalid" });
    expect(await call("subagents", { action: "steer", message: "x" })).toMatchObject({ code: "params_invalid" });
  });

  it("waits for the first of several, and ends several", async () => {
    const file = join(tempFolder(), "go");
    const { call, start, host } = await tools();
    const [soon, never] = [await start(`finishes-when-told ${file}`), await start("waits")];
    const ids = { taskIds: [soon.runId, never.runId] };
    expect(await call("subagents", { action: "wait", ...ids, timeoutSeconds: 0 })).toMatchObject({
      status: "ok",
      reason: "timeout",
      tasks: [{ runId: soon.runId }, { runId: never.runId }],
    });
    const waited = call("subagents", { action: "wait", ...ids, timeoutSeconds: 60 });
    writeFileSync(file, "");
    expect(await waited).toMatchObject({
      reason: "completed",
      tasks: [{ status: "done", result: expect.stringContaining("finishes-when-told") as string }, {}],
    });
    await host.deliveredTimes(1);
    expect(await call("subagents", { action: "wait", taskIds: ["nobody"] })).toMatchObject({
      reason: "unavailable",
      errors: [{ runId: "nobody", error: "not_found" }],
    });
    expect(await call("subagents", { action: "cancel", ...ids })).toMatchObject({
      status: "ok",
      action: "cancel",
      results: [{ status: "done" }, { status: "ok", action: "cancel", target: never.runId }],
    });
    expect(await call("subagents", { action: "cancel", taskIds: [never.runId] })).toMatchObject({
      status: "done",
      target: never.runId,
      label: "waits",
    });
    expect(await call("subagents", { action: "cancel" })).toMatchObject({ code: "params_invalid" });
  });
});

describe("sessions_list", () => {
  it("shows so many last messages of each, the newest sessions first, until 64 KiB are used up", async () => {
    const { call, start, settled } = await tools({ limits: { maxChildrenPerAgent: 20 } });
    for (let n = 0; n < 20; n++) await settled((await start(`echo ${n} ${"word ".repeat(1_500)}`)).runId);
    const { count, sessions } = (await call("sessions_list", { messageLimit: 20 })) as {
      count: number;
      sessions: { updatedAt: number; messages?: unknown[] }[];
    };
    expect(count).toBe(20);
    const times = sessions.map(({ updatedAt }) => updatedAt);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const shown = sessions.filter(({ messages }) => JSON.stringify(messages ?? []).includes("word word"));
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.length).toBeLessThan(20);
    expect(sessions.slice(0, shown.length)).toEqual(shown);
    const bytes = sessions.reduce((sum, { messages = [] }) => sum + Buffer.byteLength(JSON.stringify(messages)), 0);
    expect(bytes).toBeLessThanOrEqual(65_536);
  });

  it.each([
    [{ messageLimit: 21 }, /messageLimit/],
    [{ messageLimit: -1 }, /messageLimit/],
    [{ limit: 0 }, /limit/],
    [{ limit: 201 }, /limit/],
    [{ activeMinutes: 0 }, /activeMinutes/],
  ])("refuses %j", async (args, naming) => {
    const { call } = await tools();
    expect(await call("sessions_list", args)).toMatchObject({
      status: "error",
      code: "params_invalid",
      error: expect.stringMatching(naming) as string,
    });
  });

  it("shows those active within so many minutes, a day when none are named", async () => {
    const stateDir = tempFolder();
    const earlier = openRegistry({ file: stateLayout(stateDir).registry });
    earlier.claimOwner();
    for (const hours of [2, 30, 50]) {
      const stays = hours === 50 ? { mode: "session" as const, kept: KEPT } : {};
      const run = newRun({ label: `${hours} h ago`, expectsCompletion: false, ...stays });
      const { completion: _none, ...settlement } = settlementOf(run, { at: Date.now() - hours * 3_600_000 });
      earlier.admit(run, LIMITS);
      earlier.settle([settlement]);
    }
    await earlier.close();
    const host: RecordingHost & Pick<Host, "listSessions"> = new RecordingHost(tempFolder());
    host.listSessions = async () => [
      { sessionKey: "agent:main:main", agentId: "main", updatedAt: Date.now() },
      { sessionKey: "agent:ops:main", agentId: "ops", label: "Ops", updatedAt: Date.now() - 3 * 3_600_000 },
    ];
    const { call } = await tools({ stateDir, host });
    const listed = async (args: Json): Promise<string[]> => {
      const { sessions } = (await call("sessions_list", args)) as { sessions: { label?: string; key: string }[] };
      return sessions.map(({ label, key }) => label ?? key);
    };
    // One that stays is always shown, unless others are asked for.
    expect(await listed({})).toEqual(["agent:main:main", "2 h ago", "Ops", "50 h ago"]);
    expect(await listed({ activeMinutes: 60 })).toEqual(["agent:main:main"]);
    expect(await listed({ activeMinutes: 150 })).toEqual(["agent:main:main", "2 h ago"]);
    expect(await listed({ activeMinutes: 2_000 })).toEqual(["agent:main:main", "2 h ago", "Ops", "30 h ago"]);
    expect(await listed({ kinds: ["main"], limit: 1 })).toEqual(["agent:main:main"]);
  });
});

describe("sessions_history", () => {
  it("shows a child's messages, and says so when there is none of that key", async () => {
    const { call, start, settled } = await tools();
    const run = await start("echo hello");
    await settled(run.runId);
    expect(await call("sessions_history", { sessionKey: run.childSessionKey })).toMatchObject({
      sessionKey: run.childSessionKey,
      messages: [{ role: "user", content: [{ type: "text" }] }],
      truncated: false,
      droppedMessages: false,
      contentTruncated: false,
      contentRedacted: false,
    });
    expect(await call("sessions_history", { sessionKey: "agent:x:y" })).toMatchObject({
      status: "error",
      code: "not_found",
    });
  });
});

describe("sessions_yield", () => {
  it("ends the turn, and the children's results begin the next", async () => {
    const server = await serveModel((request): Reply => {
      if (request.lastUserText.includes("[Subagent result]")) return "all in";
      if (request.lastUserText.endsWith("leaf work")) return "leaf done";
      if (request.afterToolResult)
        return { toolCalls: [{ name: "sessions_yield", args: { message: "for the leaf" } }] };
      return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf work" } }] };
    });
    const { start, host, runtime, requester } = await tools({ model: server.model });
    const run = await start("orchestrate");
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([{ text: "all in", outcome: { status: "ok" } }]);
    // Spawn, yield, the results; and the leaf's own. No call after the yield in its turn.
    expect(server.requests).toHaveLength(4);
    const { messages } = await runtime.history(run.childSessionKey, requester, { includeTools: true });
    const yielded = messages.find((message) => message.toolName === "sessions_yield")!;
    expect(JSON.parse((yielded.content[0] as { text: string }).text)).toMatchObject({
      status: "yielded",
      message: "for the leaf",
    });
  });

  it("with nothing to come lets the turn go on", async () => {
    const { tool } = await tools();
    const output = await tool("sessions_yield").execute("c", {}, never());
    expect(output).toMatchObject({ details: { status: "error" } });
    expect(output.endsTurn).toBeUndefined();
  });
});

describe("sessions_send", () => {
  it("reaches a child at work as a steer, and tells how to go on when it has ended", async () => {
    const { call, start, settled, runtime } = await tools();
    const run = await start({ task: "waits", label: "Worker" });
    await expect.poll(() => runtime.stats().runs.running).toBe(1);
    expect(await call("sessions_send", { label: "Worker", message: "faster" })).toEqual({
      status: "accepted",
      runId: run.runId,
      sessionKey: run.childSessionKey,
      delivery: { status: "pending", mode: "inject" },
    });
    expect(await call("sessions_send", { sessionKey: run.childSessionKey, message: "x" })).toMatchObject({
      status: "error",
      code: "rate_limited",
    });
    const over = await start("echo x");
    await settled(over.runId);
    expect(await call("sessions_send", { sessionKey: over.childSessionKey, message: "x" })).toMatchObject({
      status: "error",
      code: "capability_missing",
      error: expect.stringContaining("sessions_spawn") as string,
    });
    expect(await call("sessions_send", { label: "Worker", agentId: "other", message: "x" })).toMatchObject({
      code: "not_found",
    });
    expect(await call("sessions_send", { sessionKey: "agent:main:other", message: "x" })).toMatchObject({
      code: "capability_missing",
    });
    expect(await call("sessions_send", { sessionKey: MAIN, message: "x" })).toMatchObject({ status: "forbidden" });
    expect(await call("sessions_send", { message: "x" })).toMatchObject({ code: "params_invalid" });
  });

  it("reaches other sessions by way of the host, which may answer in time or not", async () => {
    const sent: unknown[] = [];
    const host: RecordingHost & Pick<Host, "sendTo" | "listSessions"> = new RecordingHost(tempFolder());
    host.sendTo = async (sessionKey, message, options) => {
      // What follows an answer has a test of its own.
      if (options.step !== undefined) return {};
      sent.push([sessionKey, message, options.from, options.timeoutMs]);
      if (message === "fail") throw new Error("no such session");
      return message === "ask" ? { reply: "yes" } : {};
    };
    host.listSessions = async () => [
      { sessionKey: "agent:ops:main", agentId: "ops", label: "Ops", updatedAt: Date.now() },
    ];
    const { call, runtime } = await tools({ host });
    const to = { sessionKey: "agent:ops:main" };
    const answer = await call("sessions_send", { ...to, message: "ask" });
    expect(answer).toMatchObject({
      status: "ok",
      reply: "yes",
      ...to,
      delivery: { status: "delivered", mode: "host" },
    });
    expect(await call("sessions_send", { label: "Ops", message: "tell", timeoutSeconds: 0 })).toMatchObject({
      status: "accepted",
      ...to,
    });
    expect(await call("sessions_send", { ...to, message: "tell", timeoutSeconds: 1 })).toMatchObject({
      status: "timeout",
    });
    expect(await call("sessions_send", { ...to, message: "fail" })).toMatchObject({
      status: "error",
      error: "no such session",
    });
    expect(sent[0]).toEqual(["agent:ops:main", "ask", MAIN, 30_000]);
    expect(sent[1]).toEqual(["agent:ops:main", "tell", MAIN, 0]);
    expect(await call("sessions_list", {})).toMatchObject({
      count: 1,
      sessions: [{ key: "agent:ops:main", kind: "main" }],
    });
    const child = { sessionKey: "agent:main:subagent:x", agentId: "main", depth: 1 };
    expect(await runtime.hostSessions(child)).toEqual([]);
    expect(await runtime.send({ ...to, message: "ask" }, child)).toMatchObject({ status: "forbidden" });
    expect(sent).toHaveLength(4);
  });
});

it("agents_list names what may be spawned", async () => {
  const { call } = await tools({
    config: {
      agents: {
        list: [
          { id: "main", subagents: { allowAgents: ["writer"] } },
          { id: "writer", name: "Writer" },
        ],
      },
    },
  });
  expect(await call("agents_list", {})).toEqual({
    requester: "main",
    allowAny: false,
    agents: [
      { id: "main", configured: true },
      { id: "writer", name: "Writer", configured: true },
    ],
  });
});

async function tools(options: FixtureOptions = {}) {
  const fixture = await startRuntime({ ...(options.model === undefined ? { engine: "by-task" } : {}), ...options });
  const tool = (name: string) =>
    createSessionTools(fixture.runtime, fixture.requester).find((one) => one.name === name)!;
  return {
    ...fixture,
    tool,
    call: async (name: string, args: Json): Promise<Json> => {
      const { content, details } = await tool(name).execute("call", args, never());
      expect(JSON.parse(content[0]!.text)).toEqual(JSON.parse(JSON.stringify(details)));
      return details as Json;
    },
  };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
