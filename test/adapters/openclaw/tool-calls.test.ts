/** Calls of the core's tools and of our own names, with a real runtime behind them. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { HostConfig } from "../../../src/adapters/openclaw/api.ts";
import { beforeCoreCall } from "../../../src/adapters/openclaw/core-calls.ts";
import { setInstance, type Instance } from "../../../src/adapters/openclaw/instance.ts";
import { OWN_TOOLS, ownTools } from "../../../src/adapters/openclaw/own-tools.ts";
import type { ToolOutput } from "../../../src/host.ts";
import { MAIN, startRuntime, type Fixture } from "../../helpers/runtime-fixture.ts";

const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };
const DEEP = "agent:main:subagent:of-the-core";

let fixture: Fixture;
let depth: number;
let host: Instance["host"];
let session: Awaited<ReturnType<Instance["session"]>>;
let config: HostConfig;

beforeEach(async () => {
  fixture = await startRuntime({ engine: "by-task", limits: { maxSpawnDepth: 2 } });
  depth = 0;
  host = { sessionsInFiles: true };
  session = undefined;
  config = {};
  setInstance({
    runtime: fixture.runtime,
    takeover: { spawns: "always", tools: true, reason: "" },
    followChanges: () => undefined,
    engine: "pi",
    busy: { turnOf: () => undefined } as unknown as Instance["busy"],
    sends: {} as Instance["sends"],
    coreIsBroken: async () => false,
    get host() {
      return host;
    },
    session: async () => session,
    config: () => config,
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
    const child = await fixture.start({ task: "waits", label: "reader", taskName: "bookworm" });
    const { childSessionKey, runId } = child;
    const message = "go on";
    expect(await core("sessions_send", { sessionKey: childSessionKey, message })).toBeDefined();
    expect(await core("sessions_send", { label: "reader", message })).toBeDefined();
    for (const wrong of [{ sessionKey: "reader" }, { label: "last" }, { label: "*" }, { sessionKey: runId }]) {
      expect(await core("sessions_send", { ...wrong, message }), JSON.stringify(wrong)).toBeUndefined();
    }
    for (const target of ["reader", "book", "last", "1", runId.slice(0, 8), childSessionKey]) {
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

describe("a call of the core's sessions_spawn", () => {
  it("is taken with what the core has no part in, and left to it with what only it has", async () => {
    host = { sessionsInFiles: false };
    const ours = { task: "echo a", taskName: "beans", lightContext: true, completionTarget: "parent" };
    const filledIn = { visible: false, group: "", placement: { kind: "local" }, worktree: false };
    const taken = await core("sessions_spawn", { ...ours, ...filledIn });
    expect(accepted(taken)).toMatchObject({ status: "accepted", taskName: "beans", context: "isolated" });
    expect(await core("sessions_spawn", { ...ours, visible: true })).toBeUndefined();
    expect(await core("sessions_spawn", { task: "echo a", context: "fork" })).toBeUndefined();
    expect(await fixture.runtime.list(fixture.requester)).toHaveLength(1);
  });

  it("forks the transcript that the gateway has of the session, and says why where there is none", async () => {
    const transcript = join(fixture.workspaceDir, "requester.jsonl");
    writeFileSync(transcript, `${JSON.stringify({ type: "session", version: 3, id: "one" })}\n`);
    session = { transcript };
    const forking = { task: "echo a", context: "fork" };
    expect(accepted(await core("sessions_spawn", forking))).toMatchObject({ context: "fork" });
    expect((await own("sessions_spawn_inprocess", forking)).details).toMatchObject({ context: "fork" });
    session = undefined;
    expect(accepted(await core("sessions_spawn", forking))).toMatchObject({
      context: "isolated",
      note: expect.stringContaining("isn't known here") as string,
    });
  });

  it("gives its child the session's chosen model on a host whose children have it, unless one is named", async () => {
    const models: (string | undefined)[] = [];
    const { resolveModel } = fixture.host;
    fixture.host.resolveModel = (ref, ...rest) => {
      models.push(ref);
      return resolveModel.call(fixture.host, ref, ...rest);
    };
    session = { model: "chosen/model" };
    await core("sessions_spawn", { task: "echo a" });
    host = { sessionsInFiles: false };
    await core("sessions_spawn", { task: "echo b" });
    await core("sessions_spawn", { task: "echo c", model: "named/model" });
    expect(models).toEqual([undefined, "chosen/model", "named/model"]);
  });

  it("is told of our tool for a result that is to be fetched, or that there is none", async () => {
    const collected = accepted(await core("sessions_spawn", { task: "echo a", collect: true }));
    expect(collected).toMatchObject({ note: expect.stringContaining("agents_wait_inprocess") as string });
    config = { tools: { profile: "coding" } };
    expect(await core("sessions_spawn", { task: "echo a", collect: true })).toContain("capability_missing");
  });
});

describe("a call of a newer core's own", () => {
  beforeEach(() => void (host = { sessionsInFiles: false }));

  it("agents_wait is taken when every run is ours, and answers before the hook's time is up", async () => {
    const { runId } = await fixture.start({ task: "echo beans", collect: true });
    await fixture.settled(runId);
    const waiting = await fixture.start({ task: "waits", collect: true });
    expect(await core("agents_wait", { ids: [runId, "another's"] })).toBeUndefined();
    expect(await core("agents_wait", { ids: [] })).toBeUndefined();
    const answer = await core("agents_wait", { ids: [runId, waiting.runId], timeoutSeconds: 60 });
    expect(answer).toContain('"status":"done"');
    // More than the hook has is cut, more than the tool takes isn't refused.
    const cut = core("agents_wait", { ids: [waiting.runId], timeoutSeconds: 100_000 });
    await fixture.runtime.kill("all", fixture.requester);
    expect(await cut).toContain('"status":"killed"');
  });

  it("sessions_yield is taken while results of ours are to come, and is an older core's own", async () => {
    expect(await core("sessions_yield", {})).toBeUndefined();
    await fixture.start({ task: "waits", collect: true });
    expect(await core("sessions_yield", {}), "fetched results don't come").toBeUndefined();
    await fixture.start("waits");
    expect(await core("sessions_yield", { waitFor: "message" })).toBeUndefined();
    expect(await core("sessions_yield", {})).toContain('"status":"yielded"');
    expect(await own("sessions_yield_inprocess", {})).toMatchObject({ terminate: true });
    host = { sessionsInFiles: true };
    expect(await core("sessions_yield", {})).toBeUndefined();
    expect(ownTools({ sessionKey: MAIN, agentId: "main" })!.map(({ name }) => name)).not.toContain(
      "sessions_yield_inprocess",
    );
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

/** The result that stands in a reason. */
function accepted(reason: string | undefined): Record<string, unknown> {
  expect(reason).toContain("STARTED, not an error");
  return JSON.parse(reason!.slice(reason!.indexOf("{"))) as Record<string, unknown>;
}

/** The reason that a core's call is blocked with: our answer. Undefined: the core's own tool does it. */
async function core(toolName: string, params: Record<string, unknown>, sessionKey = MAIN): Promise<string | undefined> {
  const decision = await beforeCoreCall({ toolName, params }, { agentId: "main", sessionKey }, QUIET);
  return decision?.blockReason;
}

function own(name: string, args: object, sessionKey = MAIN): Promise<ToolOutput> {
  const tool = ownTools({ sessionKey, agentId: "main" })!.find((one) => one.name === name)!;
  return tool.execute("call-1", args);
}
