/** The list of tools in a run's record is what its child is offered, and what the host keeps to. */

import { expect, it } from "vitest";

import type { HostTool } from "../../src/host.ts";
import { RecordingHost } from "../helpers/recording-host.ts";
import { startRuntime, tempFolder, type Fixture, type FixtureOptions } from "../helpers/runtime-fixture.ts";

it("the record names the very tools that the child is offered", async () => {
  const { start, settled, runtime, requester } = await startWith(["lookup", "notes"]);
  const run = await start({ task: "calls-tool none", toolsDeny: ["write", "notes", "subagents"] });
  const { offered } = JSON.parse((await settled(run.runId)).text) as { offered: string[] };
  const [view] = await runtime.list(requester);
  expect(view!.tools!.toSorted()).toEqual(offered.toSorted());
  expect(offered).toContain("lookup");
  expect(offered).not.toContain("notes");
});

it("the host does nothing for a child's thread that asks for a tool its record hasn't", async () => {
  const called: string[] = [];
  const fixture = await startWith(["lookup", "notes", "gateway"], called);
  const run = await fixture.start({
    task: "forges-calls notes gateway read exec sessions_spawn made_up lookup",
    toolsAllow: ["lookup", "read"],
  });
  expect(JSON.parse((await fixture.settled(run.runId)).text)).toEqual({
    notes: "tool_blocked",
    gateway: "tool_blocked",
    read: "tool_blocked",
    exec: "tool_blocked",
    sessions_spawn: "tool_blocked",
    made_up: "tool_blocked",
    lookup: [{ type: "text", text: "lookup was called" }],
  });
  expect(called).toEqual(["lookup"]);
});

it("nor for a grandchild's thread that asks for what its parent was denied", async () => {
  const called: string[] = [];
  const fixture = await startWith(["lookup", "notes"], called, { limits: { maxSpawnDepth: 2 } });
  const parent = await fixture.start({ task: "waits", toolsDeny: ["notes"] });
  const by = { sessionKey: parent.childSessionKey, agentId: "main", tools: ["lookup", "notes"] };
  const run = await fixture.start("forges-calls notes lookup", by);
  expect(JSON.parse((await fixture.settled(run.runId)).text)).toMatchObject({ notes: "tool_blocked" });
  expect(called).toEqual(["lookup"]);
});

/** @param called filled with the names of the host's tools as they are called */
function startWith(names: string[], called: string[] = [], options: FixtureOptions = {}): Promise<Fixture> {
  const host = new RecordingHost(tempFolder());
  host.tools = names.map((name): HostTool => ({
    name,
    description: name,
    parameters: { type: "object" },
    execute: async () => {
      called.push(name);
      return { content: [{ type: "text", text: `${name} was called` }] };
    },
  }));
  return startRuntime({ engine: "by-task", host, ...options });
}
