import { describe, expect, it } from "vitest";

import type { HostConfig } from "../../../src/adapters/openclaw/api.ts";
import { outOfReach as outOfReachIn, seesOnlyItself } from "../../../src/adapters/openclaw/session-visibility.ts";

const FROM = "agent:main:main";
const CHAT = "agent:main:telegram:direct:7";

describe("who may be sent to on 2026.9.x", () => {
  const CHATS = "agent:main:telegram:direct:8";
  it.each([{}, { tools: {} }, visible("all"), visible(" ALL "), visible("nonsense")])(
    "is any session of any agent by default: %j",
    (config) => {
      expect(in9(config, CHAT, FROM)).toBeUndefined();
      expect(in9(config, CHAT, "agent:work:main")).toBeUndefined();
      expect(seesOnlyItself(config, CHAT)).toBe(false);
    },
  );

  it("is another agent's unless that is turned off, or lists leave one of the two out", () => {
    const config = (agentToAgent: object) => ({ tools: { agentToAgent } });
    for (const open of [{}, { allow: [] }, { allow: ["main", "work"] }])
      expect(in9(config(open), FROM, "agent:work:main")).toBeUndefined();
    for (const shut of [{ enabled: false }, { allow: ["work"] }, { allow: [" "] }])
      expect(in9(config(shut), FROM, "agent:work:main")).toMatch(/tools\.agentToAgent/);
    expect(in9(config({ enabled: false }), FROM, CHAT)).toBeUndefined();
  });

  it("is narrowed by what is set", () => {
    expect(in9(visible("agent"), CHAT, CHATS)).toBeUndefined();
    expect(in9(visible("agent"), CHAT, "agent:work:main")).toBeDefined();
    expect(in9(visible("tree"), CHAT, CHATS)).toMatch(/own subagents only/);
    expect(in9(visible("self"), FROM, CHAT)).toMatch(/itself only/);
  });

  it("is every session of its agent for a main session with tree, unless it is sandboxed", () => {
    expect(in9(visible("tree"), FROM, CHAT)).toBeUndefined();
    expect(in9(visible("tree"), FROM, "agent:work:main")).toMatch(/own subagents only/);
    expect(in9(boxed("all", "tree"), FROM, CHAT)).toMatch(/sandboxed/);
    expect(in9(boxed("non-main", "all"), CHAT, FROM)).toMatch(/sandboxed/);
  });
});

describe("who may be sent to on 2026.4.x", () => {
  it.each([{}, { tools: {} }, visible("tree"), visible(" Tree "), visible("nonsense")])(
    "is nobody but one's own subagents by default: %j",
    (config) => {
      expect(outOfReach(config, FROM, "agent:main:other")).toMatch(/own subagents only/);
      expect(seesOnlyItself(config, FROM)).toBe(false);
    },
  );

  it("is nobody at all with self", () => {
    expect(outOfReach(visible("self"), FROM, "agent:main:other")).toMatch(/itself only/);
    expect(seesOnlyItself(visible("self"), FROM)).toBe(true);
  });

  it.each(["agent", "all", "ALL"])("is any session of the same agent with %s", (visibility) => {
    expect(outOfReach(visible(visibility), FROM, "agent:main:other")).toBeUndefined();
    expect(outOfReach(visible(visibility), FROM, "agent:work:main")).toMatch(/tools\.agentToAgent/);
  });

  it("is another agent's only when both are let through", () => {
    const config = (allow: string[] | undefined, enabled = true, visibility = "all") => ({
      tools: { sessions: { visibility }, agentToAgent: { enabled, ...(allow && { allow }) } },
    });
    for (const allow of [["main", "work"], ["*"], ["ma*", "*RK"], [], undefined])
      expect(outOfReach(config(allow), FROM, "agent:work:main")).toBeUndefined();
    for (const allow of [["work"], ["w*"], ["m.*", "work"], ["Main", "work"]])
      expect(outOfReach(config(allow), FROM, "agent:work:main")).toBeDefined();
    expect(outOfReach(config(["main", "work"], false), FROM, "agent:work:main")).toBeDefined();
    expect(outOfReach(config(["main", "work"], true, "agent"), FROM, "agent:work:main")).toBeDefined();
  });
});

describe("a sandboxed session", () => {
  it.each(["agent", "all", "self"])("reaches its own subagents only, whatever %s says", (visibility) => {
    const config = boxed("non-main", visibility);
    expect(outOfReach(config, CHAT, FROM)).toMatch(/sandboxed.*own subagents only/);
    expect(seesOnlyItself(config, CHAT)).toBe(false);
  });

  it("is one by the mode: each with all, all but the main one with non-main, none with off", () => {
    expect(outOfReach(boxed("all", "agent"), FROM, CHAT)).toMatch(/sandboxed/);
    expect(outOfReach(boxed("non-main", "agent"), FROM, CHAT)).toBeUndefined();
    expect(outOfReach(boxed("off", "agent"), CHAT, FROM)).toBeUndefined();
    expect(seesOnlyItself(boxed("non-main", "self"), FROM)).toBe(true);
  });

  it("is one by its agent's own mode", () => {
    const own = {
      ...boxed("all", "agent"),
      agents: { list: [{ id: "free" }, { id: "box", sandbox: { mode: "all" } }] },
    };
    expect(outOfReach(own, "agent:box:main", "agent:box:other")).toMatch(/sandboxed/);
    expect(outOfReach(own, "agent:free:main", "agent:free:other")).toBeUndefined();
  });

  it("reaches what others do where the sandbox is told not to narrow it", () => {
    expect(outOfReach(boxed("non-main", "agent", "all"), CHAT, FROM)).toBeUndefined();
    expect(outOfReach(boxed("non-main", "tree", "all"), CHAT, FROM)).toMatch(/visibility is "tree"/);
    expect(seesOnlyItself(boxed("non-main", "self", "all"), CHAT)).toBe(true);
  });
});

function outOfReach(config: HostConfig, from: string, to: string): string | undefined {
  return outOfReachIn(config, from, to, { sessionsInFiles: true });
}

function in9(config: HostConfig, from: string, to: string): string | undefined {
  return outOfReachIn(config, from, to, { sessionsInFiles: false });
}

function visible(visibility: string) {
  return { tools: { sessions: { visibility } } };
}

function boxed(mode: string, visibility: string, sessionToolsVisibility?: string) {
  return {
    ...visible(visibility),
    agents: { defaults: { sandbox: { mode, ...(sessionToolsVisibility && { sessionToolsVisibility }) } } },
  };
}
