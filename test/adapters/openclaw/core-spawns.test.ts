import { describe, expect, it } from "vitest";

import {
  bringsIntoSandbox,
  isCoresOwn,
  leftToCore,
  ownParams,
  uncollectable,
} from "../../../src/adapters/openclaw/core-spawns.ts";

const OLD = { sessionsInFiles: true };
const NEW = { sessionsInFiles: false };
const TASK = { task: "count the beans" };

describe("a call of the core's sessions_spawn", () => {
  it.each([{ runtime: "acp" }, { thread: true }, { mode: "session" }, { sandbox: "require" }])(
    "is the core's own in every version: %j",
    (params) => {
      expect(isCoresOwn({ ...TASK, ...params }, OLD)).toBe(true);
      expect(isCoresOwn({ ...TASK, ...params }, NEW)).toBe(true);
    },
  );

  it.each<Record<string, unknown>>([
    { visible: true },
    { worktree: true },
    { worktreeName: "beans" },
    { worktreeBaseRef: "main" },
    { group: "Reviews" },
    { projectId: "p1" },
    { projectGitUrl: "https://github.com/a/b" },
    { placement: { kind: "profile", profileId: "build" } },
    { fastMode: "auto" },
    { fastMode: true },
    { collect: true },
    { context: "fork" },
    { whatIsYetToCome: 1 },
  ])("is a newer core's own, which knows more: %j", (params) => {
    expect(isCoresOwn({ ...TASK, ...params }, NEW)).toBe(true);
    expect(isCoresOwn({ ...TASK, ...params }, OLD)).toBe(false);
  });

  it.each<Record<string, unknown>>([
    { attachments: [{ name: "a.txt", content: "a" }], attachAs: { mountPath: "in" } },
    { lightContext: true },
    { completionTarget: "parent" },
    { taskName: "beans" },
    { context: "isolated" },
    { expectsCompletionMessage: false, cleanup: "delete", cwd: "sub", timeoutSeconds: 5, runtime: "subagent" },
    { toolsAllow: ["read"], thinking: "low", model: "a/b", label: "beans", agentId: "main" },
  ])("isn't for what we have as well: %j", (params) => {
    expect(isCoresOwn({ ...TASK, ...params }, OLD)).toBe(false);
    expect(isCoresOwn({ ...TASK, ...params }, NEW)).toBe(false);
    expect(ownParams({ ...TASK, ...params })).toEqual({ ...TASK, ...params });
  });

  it("isn't for parameters that ask for nothing, and those are left out", () => {
    const nothing = {
      visible: false,
      worktree: false,
      worktreeName: "",
      group: "  ",
      projectId: null,
      placement: { kind: "local" },
      fastMode: false,
      resumeSessionId: "of another runtime",
      streamTo: "parent",
    };
    expect(isCoresOwn({ ...TASK, ...nothing }, NEW)).toBe(false);
    expect(ownParams({ ...TASK, ...nothing })).toEqual(TASK);
    expect(isCoresOwn({ ...TASK, placement: { kind: "local", profileId: "build" } }, NEW)).toBe(true);
  });

  it("keeps a name that nobody knows, for the tool to refuse", () => {
    expect(ownParams({ ...TASK, beans: 7 })).toEqual({ ...TASK, beans: 7 });
  });
});

describe("attachments", () => {
  const attachments = [{ name: "a.txt", content: "a" }];
  const sandboxed = { agents: { list: [{ id: "main", sandbox: { mode: "non-main" } }, { id: "free" }] } };

  it("of a child that works in a sandbox are the core's to place", () => {
    expect(bringsIntoSandbox({ ...TASK, attachments }, sandboxed, "main")).toBe(true);
    expect(bringsIntoSandbox({ ...TASK, attachments }, sandboxed, "free")).toBe(false);
    expect(bringsIntoSandbox({ ...TASK, attachments: [] }, sandboxed, "main")).toBe(false);
    expect(bringsIntoSandbox(TASK, sandboxed, "main")).toBe(false);
  });
});

describe("a result that is to be fetched", () => {
  const collected = { ...TASK, collect: true };

  it("is refused where the tool policy keeps back what fetches it, and only there", () => {
    const refused = uncollectable(collected, { tools: { profile: "coding" } }, "main", OLD);
    expect(refused?.details).toMatchObject({ status: "error", code: "capability_missing" });
    expect(JSON.parse(refused!.content[0]!.text)).toEqual(refused!.details);
    const offered = { tools: { profile: "coding", alsoAllow: ["openclaw-inprocess"] } };
    expect(uncollectable(collected, offered, "main", OLD)).toBeUndefined();
    expect(uncollectable({ ...TASK, collect: false }, { tools: { profile: "coding" } }, "main", OLD)).toBeUndefined();
  });

  it("goes by the agent that asks", () => {
    const config = {
      agents: { list: [{ id: "main" }, { id: "narrow", tools: { profile: "coding" } }] },
    };
    expect(uncollectable(collected, config, "main", OLD)).toBeUndefined();
    expect(uncollectable(collected, config, "narrow", OLD)).toBeDefined();
  });
});

it("names for the doctor what a newer core keeps besides", () => {
  expect(leftToCore(OLD)).not.toContain("forks");
  expect(leftToCore(NEW)).toContain("forks");
});
