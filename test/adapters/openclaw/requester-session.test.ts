import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { HostRuntime } from "../../../src/adapters/openclaw/api.ts";
import {
  depthOf,
  servedSessions,
  sessionsInFiles,
  stoppedSince,
} from "../../../src/adapters/openclaw/requester-session.ts";

const KEY = "agent:main:porch:direct:alice";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "requester-session-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const ALICE = { channel: "porch", to: "alice" };

describe("a requester's session in the gateway's files", () => {
  it("is unknown before there is a store, and when it isn't in it", async () => {
    expect(await inFiles(KEY)).toBeUndefined();
    await store({});
    expect(await inFiles(KEY)).toBeUndefined();
  });

  it("has a transcript beside the store, or where the entry says", async () => {
    await store({ [KEY]: { sessionId: "one" } });
    expect(await inFiles(KEY)).toEqual({ transcript: join(folder, "one.jsonl") });
    const elsewhere = join(folder, "elsewhere", "two.jsonl");
    await store({ [KEY]: { sessionId: "two", sessionFile: elsewhere } });
    expect(await inFiles(KEY)).toMatchObject({ transcript: elsewhere });
  });

  it.each([
    [{ deliveryContext: { channel: "porch", to: "alice", accountId: "one" } }, true],
    [{ lastChannel: "porch", lastTo: "alice" }, true],
    [{ deliveryContext: { channel: "porch" }, lastChannel: "porch", lastTo: "alice" }, true],
    [{ deliveryContext: { channel: "webchat", to: "alice" } }, false],
    [{ lastChannel: "porch" }, false],
    [{ lastTo: "alice" }, false],
    [{ deliveryContext: { channel: " ", to: "alice" } }, false],
    [{}, false],
  ])("has a channel when the route is whole: %j", async (route, expected) => {
    await store({ [KEY]: { sessionId: "one", ...route } });
    expect((await inFiles(KEY))?.route !== undefined).toBe(expected);
  });

  it("has none when it is a subagent's, whatever it inherited", async () => {
    const key = "agent:main:subagent:1";
    await store({ [key]: { sessionId: "one", lastChannel: "porch", lastTo: "alice" } });
    expect(await inFiles(key)).not.toHaveProperty("route");
  });

  it("isn't taken for one without a channel when the store can't be read", async () => {
    await writeFile(join(folder, "sessions.json"), "{");
    await expect(inFiles(KEY)).rejects.toThrow();
  });
});

describe("sessions that were stopped", () => {
  it("are those that the store says so of since then, of every agent", async () => {
    await store({
      [KEY]: { sessionId: "one", abortedLastRun: true, updatedAt: 100 },
      "agent:main:before": { sessionId: "two", abortedLastRun: true, updatedAt: 99 },
      "agent:main:at-work": { sessionId: "three", abortedLastRun: false, updatedAt: 100 },
      "agent:main:new": { sessionId: "four", abortedLastRun: true },
    });
    expect(await stoppedSince(runtimeOf(), {}, 100)).toEqual([KEY]);
    const agents = { list: [{ id: "main" }, { id: "none" }] };
    expect(await stoppedSince(runtimeOf(), { agents }, 100)).toEqual([KEY]);
  });
});

describe("a requester's session that the gateway keeps itself", () => {
  it.each([
    [{ delivery: { kind: "external", context: { channel: "porch", to: "alice" } } }, { route: ALICE }],
    [{ delivery: { kind: "internal" } }, {}],
    [{ deliveryContext: { channel: "porch", to: "alice" } }, { route: ALICE }],
    [{ providerOverride: "a", modelOverride: "b/c" }, { model: "a/b/c" }],
    [{ modelOverride: "b" }, {}],
    [undefined, undefined],
  ])("tells of its channel and its model: %j", async (entry, expected) => {
    const session = { getSessionEntry: () => entry };
    const runtime = { agent: { session } } as unknown as HostRuntime;
    expect(await servedSessions(runtime, {})(KEY)).toEqual(expected);
  });
});

describe("how many spawns a session is below the top", () => {
  const CHILD = "agent:main:subagent:1";

  it.each([
    [{ [CHILD]: { sessionId: "one", spawnDepth: 2 } }, CHILD, 2],
    [{ [CHILD]: { sessionId: "one", spawnDepth: 0 } }, CHILD, 1],
    [{ [CHILD]: { sessionId: "one" } }, CHILD, 1],
    [{}, CHILD, 1],
    [{ [KEY]: { sessionId: "one", spawnDepth: 2 } }, KEY, 0],
  ])("is what the gateway's files say: %j, %s", async (entries, key, depth) => {
    await store(entries);
    expect(await depthOf(inFiles, key)).toBe(depth);
  });

  it("is what the gateway says that keeps its sessions itself, and one for a child that it says nothing of", async () => {
    const session = { getSessionEntry: () => ({ spawnDepth: 3 }) };
    const served = servedSessions({ agent: { session } } as unknown as HostRuntime, {});
    expect(await depthOf(served, CHILD)).toBe(3);
    expect(await depthOf(() => Promise.reject(new Error("no store")), CHILD)).toBe(1);
  });
});

function inFiles(sessionKey: string) {
  return sessionsInFiles(runtimeOf(), {})(sessionKey);
}

function runtimeOf(): HostRuntime {
  const session = { resolveStorePath: () => join(folder, "sessions.json") };
  return { agent: { session } } as unknown as HostRuntime;
}

function store(entries: object): Promise<void> {
  return writeFile(join(folder, "sessions.json"), JSON.stringify(entries));
}
