import { describe, expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { agentsView } from "../../src/policy/allowed-agents.ts";

describe("the agents an agent may spawn", () => {
  it("are itself alone when nothing else is said", () => {
    expect(view({ list: [{ id: "main" }, { id: "writer" }] }, "main")).toStrictEqual({
      requester: "main",
      allowAny: false,
      agents: [{ id: "main", configured: true }],
    });
  });

  it.each(["ghost", "constructor"])("are the defaults' for one that isn't configured: %s", (id) => {
    const agents = { defaults: { subagents: { allowAgents: ["writer"] } }, list: [{ id: "writer" }] };
    expect(view(agents, id)).toStrictEqual({
      requester: id,
      allowAny: false,
      agents: [
        { id, configured: false },
        { id: "writer", configured: true },
      ],
    });
  });

  it("are those of its allowlist, itself first, with their names and models", () => {
    const agents = {
      defaults: { model: "demo/scripted" },
      list: [
        { id: "main", subagents: { allowAgents: ["writer", "ghost", "main"] } },
        { id: "writer", name: "Writer", model: "acme/large", subagents: { model: "acme/small" } },
      ],
    };
    expect(view(agents, "main")).toEqual({
      requester: "main",
      allowAny: false,
      agents: [
        { id: "main", configured: true, model: "demo/scripted" },
        { id: "ghost", configured: false },
        { id: "writer", name: "Writer", configured: true, model: "acme/small" },
      ],
    });
  });

  it("are all that are configured when the list or the defaults say *", () => {
    const agents = {
      defaults: { subagents: { allowAgents: ["*"] } },
      list: [{ id: "b" }, { id: "a" }, { id: "main" }],
    };
    expect(view(agents, "main")).toMatchObject({ allowAny: true, agents: [{ id: "main" }, { id: "a" }, { id: "b" }] });
    const own = { ...agents, list: [{ id: "main", subagents: { allowAgents: [] } }, { id: "a" }] };
    expect(view(own, "main")).toMatchObject({ allowAny: false, agents: [{ id: "main" }] });
  });
});

function view(agents: Record<string, unknown>, agentId: string) {
  return agentsView(parseConfig({ agents }), agentId);
}
