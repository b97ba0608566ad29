import { expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { planSpawn } from "../../src/policy/spawn-policy.ts";
import { groupOf, swarmOf } from "../../src/policy/swarm.ts";

it("a batch is the one that is named, else the requester's turn, else its session", () => {
  expect(groupOf({ groupId: "batch" }, { turnId: "t" })).toBe("batch");
  expect(groupOf({}, { turnId: "t" })).toBe("turn:t");
  expect(groupOf({}, {})).toBe("session");
});

it("an agent's own limits stand in the place of those for all, and nobody else's do", () => {
  const config = parseConfig({
    tools: { swarm: { maxConcurrent: 3 } },
    agents: { list: [{ id: "main" }, { id: "busy", tools: { swarm: { maxTotalPerGroup: 5 } } }] },
  });
  expect(swarmOf(config, "main")).toMatchObject({ maxConcurrent: 3, maxTotalPerGroup: 200 });
  expect(swarmOf(config, "busy")).toMatchObject({ maxConcurrent: 3, maxTotalPerGroup: 5 });
  expect(swarmOf(config, "toString")).toMatchObject({ maxConcurrent: 3, maxTotalPerGroup: 200 });
});

it("where it is turned off nothing is collected, and what is announced isn't touched", () => {
  const off = { tools: { swarm: false }, agents: { list: [{ id: "main" }, { id: "on", tools: { swarm: true } }] } };
  expect(plan(off, { collect: true })).toMatchObject({
    status: "forbidden",
    message: expect.stringMatching(/collect.*tools\.swarm/) as string,
  });
  expect(plan(off, {})).toMatchObject({ agentId: "main" });
  expect(plan(off, { collect: true }, "on")).toMatchObject({ agentId: "on" });
});

it("a collected child that names no agent is the configured one's, under the allowlist like any other", () => {
  const swarm = { defaultAgentId: "worker" };
  const list = [{ id: "main", subagents: { allowAgents: ["worker"] } }, { id: "worker" }, { id: "lone" }];
  const config = { tools: { swarm }, agents: { list } };
  expect(plan(config, { collect: true })).toMatchObject({ agentId: "worker" });
  expect(plan(config, { collect: true, agentId: "main" })).toMatchObject({ agentId: "main" });
  expect(plan(config, {})).toMatchObject({ agentId: "main" });
  expect(plan(config, { collect: true }, "lone")).toMatchObject({
    status: "forbidden",
    message: expect.stringContaining("worker") as string,
  });
});

function plan(raw: Record<string, unknown>, params: { collect?: boolean; agentId?: string }, agentId = "main") {
  return planSpawn(parseConfig(raw), { task: "x", ...params }, { agentId }, 0);
}
