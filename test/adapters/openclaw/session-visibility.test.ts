import { describe, expect, it } from "vitest";

import { outOfReach } from "../../../src/adapters/openclaw/session-visibility.ts";

const FROM = "agent:main:main";

describe("who may be sent to", () => {
  it.each([
    {},
    { tools: {} },
    { tools: { sessions: { visibility: "tree" } } },
    { tools: { sessions: { visibility: "self" } } },
  ])("is nobody but one's own subagents by default: %j", (config) => {
    expect(outOfReach(config, FROM, "agent:main:other")).toMatch(/own subagents only/);
  });

  it.each(["agent", "all"])("is any session of the same agent with %s", (visibility) => {
    const config = { tools: { sessions: { visibility } } };
    expect(outOfReach(config, FROM, "agent:main:other")).toBeUndefined();
    expect(outOfReach(config, FROM, "agent:work:main")).toMatch(/tools\.agentToAgent/);
  });

  it("is another agent's only when both are listed", () => {
    const config = (allow: string[], enabled = true, visibility = "all") => ({
      tools: { sessions: { visibility }, agentToAgent: { enabled, allow } },
    });
    expect(outOfReach(config(["main", "work"]), FROM, "agent:work:main")).toBeUndefined();
    expect(outOfReach(config(["*"]), FROM, "agent:work:main")).toBeUndefined();
    expect(outOfReach(config(["work"]), FROM, "agent:work:main")).toBeDefined();
    expect(outOfReach(config(["main", "work"], false), FROM, "agent:work:main")).toBeDefined();
    expect(outOfReach(config(["main", "work"], true, "agent"), FROM, "agent:work:main")).toBeDefined();
  });
});
