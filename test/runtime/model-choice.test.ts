import { describe, expect, it } from "vitest";

import { parseConfig } from "../../src/config.ts";
import { chooseModel, chooseThinking } from "../../src/runtime/model-choice.ts";
import type { ThinkingLevel } from "../../src/types.ts";
import { serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";
import { RecordingHost } from "../helpers/recording-host.ts";

/** From the first that counts to the last. */
const SOURCES = ["explicit", "agent", "everyone", "requester"] as const;

describe("a child's model", () => {
  it("is the explicit one, else its agent's for subagents, else everyone's, else its requester's, whatever else is set", async () => {
    for (const set of subsetsOf(SOURCES)) {
      const has = (source: (typeof SOURCES)[number]) => set.includes(source);
      const config = parseConfig({
        agents: {
          defaults: { model: "x/default", subagents: has("everyone") ? { model: "x/everyone" } : {} },
          list: [{ id: "main", model: "x/own", subagents: has("agent") ? { model: "x/agent" } : {} }],
        },
      });
      const host = new RecordingHost(tempFolder());
      const params = has("explicit") ? { model: "x/explicit" } : {};
      const requester = { agentId: "main", ...(has("requester") ? { model: "x/requester" } : {}) };
      const { applied } = await chooseModel(config, host, "main", params, requester);
      // Nothing at all: the host knows the agent's own.
      expect(host.resolved[0]!.ref).toBe(set[0] === undefined ? undefined : `x/${set[0]}`);
      expect(applied).toBe(has("explicit"));
    }
  });

  it("is its own agent's when that is another one than its requester's", async () => {
    const host = new RecordingHost(tempFolder());
    const requester = { agentId: "main", model: "x/requester" };
    await chooseModel(parseConfig({}), host, "helper", {}, requester);
    expect(host.resolved).toEqual([{ ref: undefined, agentId: "helper", refresh: false }]);
  });

  it("explicit has no fallbacks of another, and one that can't be resolved is left out", async () => {
    const config = parseConfig({
      agents: { defaults: { subagents: { model: { primary: "x/one", fallbacks: ["x/bad", "x/two"] } } } },
    });
    const host = new RecordingHost(tempFolder());
    host.onResolve = async (ref) => {
      if (ref === "x/bad") throw new Error("no such model");
      return { ...host.model, id: ref! };
    };
    const requester = { agentId: "main" };
    const configured = await chooseModel(config, host, "main", {}, requester);
    expect(configured.model).toMatchObject({ id: "x/one", fallbacks: [{ id: "x/two" }] });
    const explicit = await chooseModel(config, host, "main", { model: "x/three" }, requester);
    expect(explicit.model.id).toBe("x/three");
    expect(explicit.model).not.toHaveProperty("fallbacks");
  });

  it("is told to be the one that was asked for, and reaches the model's server", async () => {
    const server = await serveModel(() => "done");
    const { start, host, settled } = await startRuntime({ model: server.model });
    host.onResolve = async (ref) => ({ ...server.model, id: ref ?? "default" });
    const run = await start({ task: "x", model: "special-2" });
    expect(run).toMatchObject({ modelApplied: true, resolvedModel: "special-2" });
    expect((await settled(run.runId)).model).toBe("scripted/special-2");
    expect(server.requests[0]!.body["model"]).toBe("special-2");
  });

  it("of a child's child is the one that answers the child, a fallback too, whatever the child says of itself", async () => {
    const server = await serveModel(({ body, lastUserText, afterToolResult }) => {
      if (body["model"] === "first") return { status: 404, message: "no such model" };
      if (afterToolResult || !lastUserText.endsWith("above")) return "done";
      return { text: "", toolCalls: [{ name: "sessions_spawn", args: { task: "below" } }] };
    });
    const { start, host } = await startRuntime({
      model: server.model,
      limits: { maxSpawnDepth: 2 },
      config: { agents: { list: [{ id: "main" }] } },
    });
    const second = { ...server.model, id: "second" };
    host.onResolve = async (ref) =>
      ref === undefined ? { ...server.model, id: "first", fallbacks: [second] } : { ...server.model, id: ref };
    await start("above");
    await host.completionsCame(1);
    expect(host.resolved.map(({ ref }) => ref)).toEqual([undefined, "scripted/second"]);
  });
});

describe("the model that answered", () => {
  it("stands in the completion, its block and the run's row, where a fallback did in the primary's place", async () => {
    const server = await serveModel(({ body }) =>
      body["model"] === "first" ? { status: 404, message: "no such model" } : "done",
    );
    const { start, settled, host, runtime, requester } = await startRuntime({ model: server.model });
    const second = { ...server.model, id: "second" };
    host.onResolve = async () => ({ ...server.model, id: "first", fallbacks: [second] });
    const run = await start("answer");
    expect(run).toMatchObject({ resolvedModel: "first", modelApplied: false });
    await host.completionsCame(1);
    const [completion] = host.delivered;
    expect(completion).toMatchObject({ model: "scripted/second", text: "done" });
    expect(completion!.message).toMatch(/^stats: .*scripted\/second$/m);
    expect(await settled(run.runId)).toMatchObject({ model: "scripted/second" });
    expect(await runtime.list(requester)).toMatchObject([{ runId: run.runId, model: "scripted/second" }]);
  });
});

describe("how much a child thinks", () => {
  const LEVELS: [string, ThinkingLevel][] = [
    ["explicit", "max"],
    ["agent's subagents", "high"],
    ["everyone's subagents", "medium"],
    ["requester", "xhigh"],
    ["agent", "low"],
    ["everyone", "minimal"],
  ];

  it("is as asked for, else as set for its agent's subagents, everyone's, its requester, its agent, everyone, whatever else is set", () => {
    for (const set of subsetsOf(LEVELS)) {
      const level = (source: string) => {
        const found = set.find(([name]) => name === source);
        return found === undefined ? {} : { thinking: found[1] };
      };
      const config = parseConfig({
        agents: {
          defaults: { thinkingDefault: level("everyone").thinking, subagents: level("everyone's subagents") },
          list: [{ id: "main", thinkingDefault: level("agent").thinking, subagents: level("agent's subagents") }],
        },
      });
      expect(chooseThinking(config, "main", level("explicit"), level("requester").thinking)).toBe(set[0]?.[1]);
    }
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, string | undefined]>([
    ["explicit", { thinking: "high" }, { thinking: "low" }, "high"],
    ["configured", {}, { thinking: "low" }, "low"],
    ["off", { thinking: "off" }, { thinking: "low" }, undefined],
  ])("reaches the model's server, %s", async (_how, params, limits, effort) => {
    const server = await serveModel(() => "done");
    const model = { ...server.model, reasoning: true };
    const { start, settled } = await startRuntime({ model, limits });
    await settled((await start({ task: "think", ...params })).runId);
    expect(server.requests[0]!.body["reasoning_effort"]).toBe(effort);
  });

  it("is as much as the child that asked for it thinks, unless that says otherwise", async () => {
    const server = await serveModel((request) => {
      if (!JSON.stringify(request.messages).includes("[Subagent Task]\\nabove")) return "leaf";
      if (request.afterToolResult || request.lastUserText.includes("[Subagent result]")) return "all in";
      const calls = [{ task: "as above" }, { task: "otherwise", thinking: "low" }];
      return { toolCalls: calls.map((args) => ({ name: "sessions_spawn", args })) };
    });
    const { start, host } = await startRuntime({
      model: { ...server.model, reasoning: true },
      limits: { maxSpawnDepth: 2 },
      config: { agents: { defaults: { thinkingDefault: "minimal" }, list: [{ id: "main" }] } },
    });
    await start({ task: "above", thinking: "high" });
    await host.completionsCame(1);
    const effortOf = (task: string) =>
      server.requests.find(({ messages }) => JSON.stringify(messages).includes(`[Subagent Task]\\n${task}`))!.body[
        "reasoning_effort"
      ];
    expect([effortOf("above"), effortOf("as above"), effortOf("otherwise")]).toEqual(["high", "high", "low"]);
  });
});

/** All of them, each in the order of the whole. */
function subsetsOf<T>(all: readonly T[]): T[][] {
  return Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_one, index) => (bits & (1 << index)) !== 0));
}
