import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { planSpawn, sessionTaken } from "../../src/policy/spawn-policy.ts";
import type { SpawnParams } from "../../src/types.ts";

const agents = { list: [{ id: "main", subagents: { allowAgents: ["helper"] } }, { id: "helper" }] };

function plan(params: Partial<SpawnParams>, { sandboxed = false, engine = "pi" } = {}) {
  const config = parseConfig({ agents, subagents: { engine } });
  return planSpawn(config, { task: "x", ...params }, { agentId: "main", sandboxed }, 0);
}

describe("a fork", () => {
  it("is for the requester's own agent", () => {
    expect(plan({ context: "fork" })).toMatchObject({ agentId: "main" });
    expect(plan({ context: "fork", agentId: "main" })).toMatchObject({ agentId: "main" });
    expect(plan({ context: "isolated", agentId: "helper" })).toMatchObject({ agentId: "helper" });
    expect(plan({ context: "fork", agentId: "helper" })).toMatchObject({
      status: "error",
      code: "params_invalid",
      message: expect.stringMatching(/fork.*helper/) as string,
    });
  });
});

describe("a sandbox that is required", () => {
  it("is only where OpenClaw's runner puts a sandboxed session's own children", () => {
    const inside = { sandboxed: true, engine: "openclaw" };
    expect(plan({ sandbox: "require" }, inside)).toMatchObject({ agentId: "main" });
    for (const refused of [
      plan({ sandbox: "require" }),
      plan({ sandbox: "require" }, { engine: "openclaw" }),
      plan({ sandbox: "require", agentId: "helper" }, inside),
    ]) {
      expect(refused).toMatchObject({ status: "forbidden", code: "spawn_forbidden" });
      expect((refused as { message: string }).message).toContain("`require`");
    }
    expect(plan({ sandbox: "inherit" })).toMatchObject({ agentId: "main" });
  });
});

it("a session that takes no follow-up says why, and what to do", () => {
  expect(sessionTaken(true)).toEqual({
    status: "error",
    code: "not_yours",
    message: expect.stringMatching(/was ended .*sessions_spawn/) as string,
  });
  expect(sessionTaken(false)).toEqual({
    status: "error",
    code: "not_yours",
    message: expect.stringMatching(/^Another process .* from there\.$/) as string,
  });
});
