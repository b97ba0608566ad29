import { describe, expect, it } from "vitest";

import { agentOf } from "../../../src/adapters/openclaw/agents.ts";

describe("the agent of a session", () => {
  it("stands in its key", () => {
    expect(agentOf("agent:work:main", {})).toBe("work");
  });

  it.each([
    [{}, "main"],
    [{ agents: { list: [{ id: "First" }, { id: "second" }] } }, "first"],
    [{ agents: { list: [{ id: "first" }, { id: "My Own", default: true }] } }, "my-own"],
    [{ agents: { entries: { first: {}, second: { default: true } } } }, "second"],
  ])("is the default one where the key names none: %j", (config, agent) => {
    expect(agentOf("global", config)).toBe(agent);
  });
});
