/**
 * Children of agents that work in a sandbox, which the engine `pi` has none of, over a broken pairing, in a gateway whose
 * sessions are to see themselves alone.
 */

import { beforeAll, describe, expect, test } from "vitest";

import type { ModelServer } from "../helpers/model-server.ts";
import { startGateway, type Gateway } from "./helpers/gateway.ts";
import { installOpenClaw } from "./helpers/install.ts";
import { profileWithPlugin } from "./helpers/plugin-profile.ts";
import { answered, registeredRuns } from "./helpers/plugin-state.ts";
import {
  afterTool,
  asked,
  callTool,
  lastToolResult,
  offeredTools,
  startScriptedModel,
} from "./helpers/scripted-model.ts";

let model: ModelServer;
let gateway: Gateway;

beforeAll(async () => {
  model = await startScriptedModel([
    [asked("ours"), callTool("sessions_spawn_inprocess", { task: "TASK" })],
    [asked("theirs"), callTool("sessions_spawn", { task: "TASK" })],
    [asked("free"), { toolCalls: [FREE, FREE] }],
    [asked("write"), callTool("sessions_send", { sessionKey: "agent:main:other", message: "hello" })],
  ]);
  const profile = await profileWithPlugin(await installOpenClaw("2026.4.1"), {
    modelBaseUrl: model.baseUrl,
    subagents: { engine: "pi" },
    narrow: true,
    edit: (config) => {
      // The main session is outside of it, so that no sandbox need be there for the test.
      Object.assign(config.agents.defaults, { sandbox: { mode: "non-main" } });
      const main = { id: "main", default: true, subagents: { allowAgents: ["free"] } };
      config.agents.list = [main, { id: "free", sandbox: { mode: "off" } }];
      config.tools = { ...config.tools, alsoAllow: ["openclaw-inprocess"], sessions: { visibility: "self" } };
    },
  });
  gateway = await startGateway(profile);
});

describe("a child that is to be in a sandbox, engine pi", () => {
  test("is refused by our own tool, by name, and nothing is left of it", async () => {
    await gateway.turn(MAIN, "ours");
    const { result } = answered(model.requests.find(afterTool("ours"))!);
    expect(result).toMatchObject({
      status: "forbidden",
      code: "spawn_forbidden",
      error: expect.stringMatching(/"main" works in a sandbox/) as string,
    });
    expect(await registeredRuns(gateway)).toEqual([]);
  });

  test("is left to the core by the hook", async () => {
    await gateway.turn(MAIN, "theirs");
    expect(lastToolResult(model.requests.find(afterTool("theirs"))!)).toMatch(/1008.*pairing required/s);
    expect(await registeredRuns(gateway)).toEqual([]);
  });

  test("is started where the child's agent has no sandbox, once for a call that the model makes twice", async () => {
    await gateway.turn(MAIN, "free");
    expect(await registeredRuns(gateway)).toHaveLength(1);
    const { result } = answered(model.requests.find(afterTool("free"))!);
    expect(result).toMatchObject({
      status: "accepted",
      childSessionKey: expect.stringMatching(/^agent:free:/) as string,
    });
  });
});

describe("a session that is to see itself alone", () => {
  test("isn't offered what shows or reaches its subagents", () => {
    const offered = offeredTools(model.requests.find(asked("ours"))!).filter((name) => name.endsWith("_inprocess"));
    const own = ["agents_list_inprocess", "agents_wait_inprocess", "sessions_spawn_inprocess", "subagents_inprocess"];
    expect(offered.sort()).toEqual(own);
  });

  test("is refused by the core what it may not reach", async () => {
    await gateway.turn(MAIN, "write");
    const said = lastToolResult(model.requests.find(afterTool("write"))!);
    expect(said).toMatch(/visibility|1008/);
    expect(said).not.toMatch(/can't be reached from/);
  });
});

const FREE = { name: "sessions_spawn_inprocess", args: { task: "TASK", agentId: "free" }, id: "call_same" };
const MAIN = "agent:main:main";
