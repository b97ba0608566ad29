import { beforeEach, describe, expect, it } from "vitest";

import type { HostRuntime } from "../../../src/adapters/openclaw/api.ts";
import { SessionStore } from "../../../src/adapters/openclaw/sessions.ts";
import type { ChildContext } from "../../../src/host.ts";

const KEY = "agent:main:subagent:1";
const CHILD: ChildContext = {
  runId: "run-1",
  sessionKey: KEY,
  requesterSessionKey: "agent:main:main",
  agentId: "main",
  depth: 1,
  role: "leaf",
  workspaceDir: "/w",
  sessionId: "one",
  transcriptPath: "/s/one.jsonl",
  task: "count",
};
const ENDED = {
  childSessionKey: KEY,
  outcome: { status: "ok" },
  usage: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, totalTokens: 3, costUsd: 0, turns: 1, toolCalls: 0 },
  runtimeMs: 5,
} as const;

let stored: Record<string, Record<string, unknown>>;
let writes: number;
let sessions: SessionStore;

beforeEach(() => {
  stored = { other: { sessionId: "other" } };
  writes = 0;
  const runtime = { agent: { session: { resolveStorePath: () => "/s/sessions.json" } } };
  sessions = new SessionStore(runtime as unknown as HostRuntime, {}, async (_path, change) => {
    writes += 1;
    change(stored);
  });
});

describe("a child in the gateway's session store", () => {
  it("stands there from its start, with its end once it has one", async () => {
    await sessions.register(CHILD);
    expect(stored[KEY]).toMatchObject({ sessionId: "one", status: "running", subagentRole: "leaf" });
    await sessions.settle(ENDED);
    expect(stored[KEY]).toMatchObject({ sessionId: "one", status: "done", totalTokens: 3 });
  });

  it("is gone with its transcript, whatever is still said of its end", async () => {
    await sessions.register(CHILD);
    await Promise.all([sessions.remove(CHILD), sessions.settle(ENDED)]);
    await sessions.settle(ENDED);
    expect(stored).toEqual({ other: { sessionId: "other" } });
  });

  it("isn't taken away for another session that has its key now", async () => {
    await sessions.register({ ...CHILD, sessionId: "two" });
    await sessions.remove(CHILD);
    expect(stored[KEY]).toMatchObject({ sessionId: "two" });
    await sessions.remove({ ...CHILD, sessionKey: "agent:main:subagent:none" });
  });

  it("has no entry for an end without a beginning", async () => {
    await sessions.settle(ENDED);
    expect(stored).not.toHaveProperty([KEY]);
  });

  it("costs one write for all that comes in one moment, done in the order it came", async () => {
    const second = { ...CHILD, sessionKey: "agent:main:subagent:2", sessionId: "two" };
    await Promise.all([sessions.register(CHILD), sessions.register(second), sessions.settle(ENDED)]);
    expect(writes).toBe(1);
    expect(stored[KEY]).toMatchObject({ status: "done" });
    expect(stored[second.sessionKey]).toMatchObject({ status: "running" });
  });
});
