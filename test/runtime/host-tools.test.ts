import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { InprocessError } from "../../src/errors.ts";
import type { HostTool, ToolCall, ToolOutput } from "../../src/host.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { startRuntime, tempFolder, type FixtureOptions } from "../helpers/runtime-fixture.ts";

type Answer = ToolOutput | { rejected: { code?: string; message: string } } | { offered: string[] };

describe("a host's tool, called by a child", () => {
  it("runs on the host with the call's arguments, and its whole output comes back", async () => {
    const seen: unknown[] = [];
    const answer = await call('lookup {"word":"ü"}', {
      lookup: async (toolCallId, args) => {
        seen.push([toolCallId, args]);
        return { content: [{ type: "text", text: "found" }], details: { hits: [1, 2] } };
      },
    });
    expect(seen).toEqual([["call_1", { word: "ü" }]]);
    expect(answer).toEqual({ content: [{ type: "text", text: "found" }], details: { hits: [1, 2] } });
  });

  it("takes the place of the worker's tool of the same name", async () => {
    const answer = await call('read {"path":"file.txt"}', { read: async () => text("the host's own reading") });
    expect(answer).toEqual(text("the host's own reading"));
  });

  it("fails with its code and sentence", async () => {
    const answer = await call("lookup", {
      lookup: async () => {
        throw new InprocessError("tool_blocked", "Not today.");
      },
    });
    expect(answer).toEqual({ rejected: { code: "tool_blocked", message: "Not today." } });
  });

  it.each<[string, ToolOutput]>([
    ["content", text("x".repeat(1_048_577))],
    ["content of more bytes than characters", text("é".repeat(600_000))],
    ["details", { content: [], details: { rows: ["x".repeat(2_000_000)] } }],
  ])("brings no more than 1 MiB of %s into a thread", async (_what, output) => {
    const answer = await call("lookup", { lookup: async () => output });
    expect("rejected" in answer ? answer.rejected.code : "let through").toBe("payload_too_large");
  });

  it("may bring exactly 1 MiB", async () => {
    const answer = await call("lookup", { lookup: async () => text("x".repeat(1_048_576)) });
    expect((answer as ToolOutput).content[0]!.text).toHaveLength(1_048_576);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["what can't be cloned", { content: [], details: { f: () => undefined } }],
    ["no content", { details: 1 }],
  ])("that answers with %s fails as a tool, not as a run", async (_what, output) => {
    const answer = await call("lookup", { lookup: async () => output as ToolOutput });
    expect(answer).toMatchObject({ rejected: { message: expect.any(String) as string } });
  });

  it("is aborted when its run is killed", async () => {
    const aborted = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    const { start, runtime, requester, host } = await startRuntime({ engine: "by-task" });
    host.tools = [
      tool("lookup", (_id, _args, signal) => {
        signal.addEventListener("abort", () => aborted.resolve());
        called.resolve();
        return new Promise(() => undefined);
      }),
    ];
    const run = await start("calls-tool lookup");
    await called.promise;
    await runtime.kill(run.runId, requester);
    await aborted.promise;
  });

  it.each(["allow", "deny"])(
    "isn't offered when the config's lists for children don't let it through (%s)",
    async (how) => {
      const lists = how === "allow" ? { allow: ["read"] } : { deny: ["lookup"] };
      const answer = await call(
        "lookup",
        { lookup: async () => text("never") },
        { config: { tools: { subagents: { tools: lists } } } },
      );
      expect((answer as { offered: string[] }).offered).toContain("read");
      expect((answer as { offered: string[] }).offered).not.toContain("lookup");
    },
  );

  it.each([
    ["a leaf", 1, KEPT_BACK],
    ["an orchestrator", 2, KEPT_BACK.filter((name) => !FOR_ORCHESTRATORS.includes(name))],
  ])("isn't offered to %s when OpenClaw keeps it from subagents, whatever the lists say", async (_who, depth, kept) => {
    const tools = Object.fromEntries([...KEPT_BACK, "lookup"].map((name) => [name, async () => text("the gateway's")]));
    const lists = { alsoAllow: KEPT_BACK };
    const options = { config: { tools: { subagents: { tools: lists } } }, limits: { maxSpawnDepth: depth } };
    const { offered } = (await call("none", tools, options)) as { offered: string[] };
    expect(offered).toContain("lookup");
    expect(offered.filter((name) => kept.includes(name))).toEqual([]);
    for (const name of FOR_ORCHESTRATORS) expect(offered.includes(name)).toBe(depth === 2);
    expect(await call("cron", { cron: async () => text("never") })).toHaveProperty("offered");
  });

  it("named like a session tool is offered once", async () => {
    const answer = await call("none", { subagents: async () => text("the gateway's own") });
    const names = (answer as { offered: string[] }).offered;
    expect(names.filter((name) => name === "subagents")).toHaveLength(1);
  });
});

describe("the host's policy before each call", () => {
  it("is asked for worker tools and host tools alike, with who calls what", async () => {
    const asked: ToolCall[] = [];
    const allow = async (question: ToolCall) => {
      asked.push(question);
      return { allow: true } as const;
    };
    await call('read {"path":"file.txt"}', {}, {}, allow);
    await call("lookup", { lookup: async () => text("found") }, {}, allow);
    expect(asked.map(({ tool, args, toolCallId }) => ({ tool, args, toolCallId }))).toEqual([
      { tool: "read", args: { path: "file.txt" }, toolCallId: "call_1" },
      { tool: "lookup", args: {}, toolCallId: "call_1" },
    ]);
    expect(asked[0]!.child).toMatchObject({ agentId: "main", depth: 1, requesterSessionKey: "agent:main:main" });
  });

  it("keeps a call from being made, and its reason is told to the model", async () => {
    let called = false;
    const tools = { lookup: async () => ((called = true), text("never")) };
    const answer = await call("lookup", tools, {}, async () => ({ allow: false, reason: "Not before noon." }));
    expect(answer).toEqual({
      content: [{ type: "text", text: "Not before noon." }],
      details: { code: "tool_blocked" },
      isError: true,
    });
    expect(called).toBe(false);
  });

  it.each<[string, () => Promise<never>]>([
    ["fails", () => Promise.reject(new Error("the policy's own fault"))],
    [
      "throws at once",
      () => {
        throw new Error("the policy's own fault");
      },
    ],
    ["answers with nonsense", async () => ({}) as never],
    ["answers with nothing", async () => undefined as never],
  ])("that %s lets nothing through", async (_how, verdict) => {
    let called = false;
    const answer = await call("lookup", { lookup: async () => ((called = true), text("never")) }, {}, verdict);
    expect(called).toBe(false);
    expect("rejected" in answer || (answer as ToolOutput).isError === true).toBe(true);
  });
});

/** What a child gets for one call of a tool: `<name> <JSON>`. */
async function call(
  what: string,
  tools: Record<string, HostTool["execute"]>,
  options: FixtureOptions = {},
  beforeToolCall?: RecordingHost["beforeToolCall"],
): Promise<Answer> {
  const host = new RecordingHost(tempFolder());
  if (beforeToolCall !== undefined) host.beforeToolCall = beforeToolCall;
  host.tools = Object.entries(tools).map(([name, execute]) => tool(name, execute));
  writeFileSync(join(host.workspace, "file.txt"), "the file itself");
  const { start } = await startRuntime({ engine: "by-task", host, ...options });
  await start(`calls-tool ${what}`);
  await host.deliveredTimes(1);
  expect(host.delivered[0]!.outcome).toEqual({ status: "ok" });
  return JSON.parse(host.delivered[0]!.text) as Answer;
}

function tool(name: string, execute: HostTool["execute"]): HostTool {
  return { name, description: name, parameters: { type: "object" }, execute };
}

function text(value: string): ToolOutput {
  return { content: [{ type: "text", text: value }] };
}

const FOR_ORCHESTRATORS = ["subagents", "sessions_list", "sessions_history", "sessions_spawn"];
const KEPT_BACK = ["gateway", "agents_list", "cron", "message", "sessions_send", ...FOR_ORCHESTRATORS];
