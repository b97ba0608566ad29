import { describe, expect, it } from "vitest";

import { outOfReach, seesOnlyItself } from "../../../src/adapters/openclaw/session-visibility.ts";

const FROM = "agent:main:main";
const CHAT = "agent:main:telegram:direct:7";

describe("who may be sent to", () => {
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

function visible(visibility: string) {
  return { tools: { sessions: { visibility } } };
}

function boxed(mode: string, visibility: string, sessionToolsVisibility?: string) {
  return {
    ...visible(visibility),
    agents: { defaults: { sandbox: { mode, ...(sessionToolsVisibility && { sessionToolsVisibility }) } } },
  };
}
