import { describe, expect, it } from "vitest";

import type { HostTool } from "../../src/host.ts";
import type { Requester, SpawnParams } from "../../src/types.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import {
  startRuntime,
  tempFolder,
  type Accepted,
  type Fixture,
  type FixtureOptions,
} from "../helpers/runtime-fixture.ts";

describe("a grandchild", () => {
  it("has no tool that its parent was denied, a host's and those to work with subagents included", async () => {
    const denied = ["lookup", "write", "sessions_history"];
    const { offered } = await family({ toolsDeny: denied }, {});
    expect(offered).toEqual(EVERYTHING.filter((name) => !denied.includes(name)));
  });

  it("has none beyond those its parent was allowed, whatever its own spawn names", async () => {
    const toolsAllow = ["read", "notes", "sessions_spawn"];
    const { offered } = await family({ toolsAllow }, { toolsAllow: ["read", "write", "lookup", "sessions_spawn"] });
    expect(offered).toEqual(["read", "sessions_spawn"]);
  });

  it("has none for its parent's word, for what its parent was given counts", async () => {
    const { offered } = await family({ toolsAllow: ["read"] }, {}, { tools: ["read", "write", "lookup"] });
    expect(offered).toEqual(["read"]);
  });

  it("has no tool that the host offers to it and not to its parent", async () => {
    const host = hostWith(["lookup"]);
    const [lookup] = host.tools;
    host.hostTools = ({ depth }) => (depth === 1 ? [lookup!] : [lookup!, hostTool("launch")]);
    const { offered } = await family({}, {}, {}, { host });
    expect(offered).toContain("lookup");
    expect(offered).not.toContain("launch");
  });

  it("of another agent has none for that agent's sake", async () => {
    const agents = {
      list: [{ id: "main", tools: { deny: ["write", "lookup"] }, subagents: { allowAgents: ["*"] } }, { id: "other" }],
    };
    const { offered } = await family({}, { agentId: "other" }, {}, { config: { agents } });
    expect(offered).toEqual(EVERYTHING.filter((name) => !["write", "lookup"].includes(name)));
  });

  it("has what its parent had when it is asked for by a parent that was interrupted and goes on", async () => {
    const fixture = await startFamily({});
    const parent = await fixture.start({ task: "waits", toolsDeny: ["lookup"] });
    await expect.poll(() => fixture.runtime.stats().runs.running).toBe(1);
    await fixture.runtime.steer(parent.runId, "again", fixture.requester, { interrupt: true });
    expect(await offeredTo(fixture, {}, { sessionKey: parent.childSessionKey, agentId: "main" })).not.toContain(
      "lookup",
    );
  });
});

describe("an engine with tools of its own", () => {
  it("is told what all those above a child are denied, and what each of them is allowed", async () => {
    const fixture = await startFamily({});
    const first = await fixture.start({
      task: "waits",
      toolsDeny: ["exec"],
      toolsAllow: ["group:fs", "web_*", "cron"],
    });
    const second = await fixture.start({ task: "waits", toolsDeny: ["write"] }, asked(first));
    const lists = { toolsAllow: ["read", "web_fetch", "message"], toolsDeny: ["web_search", "exec"] };
    const third = await fixture.start({ task: "tells-lists", ...lists }, asked(second));
    expect(await listsTold(fixture, third)).toEqual({
      toolsAllow: ["read", "web_fetch"],
      toolsDeny: ["exec", "write", "web_search"],
    });
  });

  it("is told nothing where nobody narrows anything, so that children share their configuration", async () => {
    const fixture = await startFamily({});
    const parent = await fixture.start("waits");
    expect(await listsTold(fixture, await fixture.start("tells-lists", asked(parent)))).toEqual({});
  });

  it("is told what the agent of the parent is held to, for a child of another agent", async () => {
    const agents = {
      list: [{ id: "main", tools: { deny: ["exec"] }, subagents: { allowAgents: ["*"] } }, { id: "other" }],
    };
    const fixture = await startFamily({ config: { agents } });
    const parent = await fixture.start("waits");
    const others = await fixture.start({ task: "tells-lists", agentId: "other" }, asked(parent));
    expect(await listsTold(fixture, others)).toEqual({ toolsDeny: ["exec"] });
    expect(await listsTold(fixture, await fixture.start("tells-lists", asked(parent)))).toEqual({});
  });

  it("is told what a main session says it has", async () => {
    const fixture = await startFamily({});
    const by = { ...fixture.requester, tools: ["read", "exec"] };
    expect(await listsTold(fixture, await fixture.start("tells-lists", by))).toEqual({ toolsAllow: ["read", "exec"] });
  });
});

it("a main session that doesn't say which gives a child of another agent none that its own agent is denied", async () => {
  const agents = {
    list: [{ id: "main", tools: { deny: ["exec", "lookup"] }, subagents: { allowAgents: ["*"] } }, { id: "other" }],
  };
  const tools = { exec: { security: "full", ask: "off" } };
  const fixture = await startFamily({ config: { agents, tools } });
  const offered = await offeredTo(fixture, { agentId: "other" }, fixture.requester);
  expect(offered).toContain("write");
  expect(offered.filter((name) => ["exec", "lookup"].includes(name))).toEqual([]);
  const told = await listsTold(fixture, await fixture.start({ task: "tells-lists", agentId: "other" }));
  expect(told).toEqual({ toolsDeny: ["exec", "lookup"] });
});

it("a main session that says which tools it has gives its children none but those, host tools included", async () => {
  const fixture = await startFamily({});
  const by = { ...fixture.requester, tools: ["read", "lookup", "sessions_spawn"] };
  expect(await offeredTo(fixture, {}, by)).toEqual(["lookup", "read", "sessions_spawn"]);
});

/** A parent that waits, and what its child is offered. */
async function family(
  parentsOwn: Partial<SpawnParams>,
  childsOwn: Partial<SpawnParams>,
  claimed: Partial<Requester> = {},
  options: FixtureOptions = {},
): Promise<{ offered: string[] }> {
  const fixture = await startFamily(options);
  const parent = await fixture.start({ task: "waits", ...parentsOwn });
  const by = { sessionKey: parent.childSessionKey, agentId: "main", ...claimed };
  return { offered: await offeredTo(fixture, childsOwn, by) };
}

function asked({ childSessionKey }: Accepted): Requester {
  return { sessionKey: childSessionKey, agentId: "main" };
}

async function listsTold({ settled }: Fixture, { runId }: Accepted): Promise<unknown> {
  return JSON.parse((await settled(runId)).text);
}

function startFamily(options: FixtureOptions): Promise<Fixture> {
  const host = hostWith(["lookup", "notes"]);
  return startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 3 }, host, ...options });
}

async function offeredTo({ start, settled }: Fixture, own: Partial<SpawnParams>, by: Requester): Promise<string[]> {
  const { text } = await settled((await start({ task: "calls-tool none", ...own }, by)).runId);
  return (JSON.parse(text) as { offered: string[] }).offered.sort();
}

function hostWith(names: string[]): RecordingHost {
  const host = new RecordingHost(tempFolder());
  host.tools = names.map(hostTool);
  return host;
}

function hostTool(name: string): HostTool {
  return { name, description: name, parameters: { type: "object" }, execute: async () => ({ content: [] }) };
}

const EVERYTHING = [
  "agents_wait",
  "edit",
  "find",
  "list",
  "lookup",
  "notes",
  "read",
  "search",
  "sessions_history",
  "sessions_list",
  "sessions_spawn",
  "sessions_yield",
  "subagents",
  "write",
];
