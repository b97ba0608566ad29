/** Calls of the core's tools and of our own names, with a real runtime behind them. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { beforeCoreCall } from "../../../src/adapters/openclaw/core-calls.ts";
import { setInstance, type Instance } from "../../../src/adapters/openclaw/instance.ts";
import { OWN_TOOLS, ownTools } from "../../../src/adapters/openclaw/own-tools.ts";
import type { ToolOutput } from "../../../src/host.ts";
import { MAIN, startRuntime, type Fixture } from "../../helpers/runtime-fixture.ts";

const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };
const DEEP = "agent:main:subagent:of-the-core";

let fixture: Fixture;
let depth: number;

beforeEach(async () => {
  fixture = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 2 } });
  depth = 0;
  setInstance({
    runtime: fixture.runtime,
    takeover: { spawns: "always", tools: true, reason: "" },
    followChanges: () => undefined,
    engine: "pi",
    busy: { turnOf: () => undefined } as unknown as Instance["busy"],
    sends: {} as Instance["sends"],
    coreIsBroken: async () => false,
    config: () => ({}),
    workspaceDir: () => fixture.workspaceDir,
    depthOf: async () => depth,
  });
});
afterEach(() => setInstance(undefined));

describe("a call of the core's sessions_history", () => {
  it("is taken where ours can tell whose it is, else left to the core", async () => {
    const child = await fixture.start({ task: "waits", label: "reader" });
    for (const sessionKey of [child.childSessionKey, child.runId]) {
      expect(await core("sessions_history", { sessionKey })).toContain("DONE, not an error: sessions_history");
    }
    for (const sessionKey of ["reader", "last", "1", child.runId.slice(0, 8)]) {
      expect(await core("sessions_history", { sessionKey }), sessionKey).toBeUndefined();
    }
  });
});

describe("a call of a core's sibling", () => {
  it("is taken by the ways in which ours takes a name", async () => {
    const child = await fixture.start({ task: "waits", label: "reader" });
    const { childSessionKey, runId } = child;
    const message = "go on";
    expect(await core("sessions_send", { sessionKey: childSessionKey, message })).toBeDefined();
    expect(await core("sessions_send", { label: "reader", message })).toBeDefined();
    for (const wrong of [{ sessionKey: "reader" }, { label: "last" }, { label: "1" }, { sessionKey: runId }]) {
      expect(await core("sessions_send", { ...wrong, message }), JSON.stringify(wrong)).toBeUndefined();
    }
    for (const target of ["reader", "last", "1", runId.slice(0, 8), childSessionKey]) {
      expect(await core("subagents", { action: "steer", target, message }), target).toBeDefined();
    }
    expect(await core("subagents", { action: "kill", target: "nobody" })).toBeUndefined();
  });
});

describe("a spawn by a child of the core's", () => {
  it.each([
    [1, "accepted"],
    [2, "forbidden"],
  ])("counts from where the gateway has it: depth %i is %s", async (at, status) => {
    depth = at;
    expect(await core("sessions_spawn", { task: "echo a" }, DEEP)).toContain(`"status":"${status}"`);
    const { details } = await own("sessions_spawn_inprocess", { task: "echo b" }, DEEP);
    expect(details).toMatchObject({ status });
  });
});

describe("our tools under names of our own", () => {
  it("name each other so", () => {
    for (const { name, description, parameters } of ownTools({ sessionKey: MAIN, agentId: "main" })!) {
      const text = `${description} ${JSON.stringify(parameters)}`;
      expect(text, name).not.toMatch(/\b(?:sessions_(?:spawn|history|send|list)|agents_list|agents_wait)\b/);
      expect(OWN_TOOLS).toContain(name);
    }
  });

  it.each<[string, object, RegExp]>([
    ["sessions_spawn_inprocess", {}, /^sessions_spawn_inprocess: task: /],
    ["sessions_spawn_inprocess", { task: "a", to: "b" }, /use `message` or `sessions_send_inprocess`/],
    ["subagents_inprocess", { action: "steer" }, /^subagents_inprocess: target/],
  ])("refuse under that name: %s %j", async (name, args, sentence) => {
    const { content, details } = await own(name, args);
    expect(details).toMatchObject({ code: "params_invalid", error: expect.stringMatching(sentence) as string });
    expect(JSON.parse(content[0]!.text)).toEqual(details);
  });

  it("leave what a subagent said as it is", async () => {
    const { runId } = await fixture.start("echo sessions_spawn");
    await fixture.settled(runId);
    const { content } = await own("subagents_inprocess", { action: "list" });
    expect(content[0]!.text).toContain("echo sessions_spawn");
    expect(content[0]!.text).not.toContain("sessions_spawn_inprocess");
  });
});

/** The reason that a core's call is blocked with: our answer. Undefined: the core's own tool does it. */
async function core(toolName: string, params: Record<string, unknown>, sessionKey = MAIN): Promise<string | undefined> {
  const decision = await beforeCoreCall({ toolName, params }, { agentId: "main", sessionKey }, QUIET);
  return decision?.blockReason;
}

function own(name: string, args: object, sessionKey = MAIN): Promise<ToolOutput> {
  const tool = ownTools({ sessionKey, agentId: "main" })!.find((one) => one.name === name)!;
  return tool.execute("call-1", args);
}
