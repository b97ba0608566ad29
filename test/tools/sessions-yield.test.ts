/** A yield ends the turn only when something will begin the next; and when that comes to nothing, whoever waits is told. */

import { describe, expect, it } from "vitest";

import { createStandalone } from "../../src/adapters/standalone-host.ts";
import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import type { RecordingHost } from "../helpers/recording-host.ts";
import { closeAfterTest, fixtureConfig, serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

describe("an orchestrator that yields", () => {
  it("for a child that tells nobody of its end is refused, and goes on", async () => {
    const { run, settled, toolTexts } = await orchestrator({ expectsCompletionMessage: false }, "found");
    expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "I answer." });
    const [spawned, yielded] = toolTexts();
    expect(spawned).toMatchObject({ status: "accepted", expectsCompletionMessage: false });
    expect(spawned!["note"]).toMatch(/nothing comes to you when it ends.*agents_wait/);
    expect(spawned!["note"]).not.toMatch(/comes to you by itself/);
    expect(yielded).toMatchObject({ status: "error", error: expect.stringContaining("agents_wait") as string });
  });

  it.each(["NO_REPLY", "ANNOUNCE_SKIP"])(
    "is woken once, and told, when all it waits for ends with %s",
    async (word) => {
      const { run, settled, toolTexts, server } = await orchestrator({}, word);
      expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "I answer without." });
      expect(toolTexts()[1]).toMatchObject({ status: "yielded" });
      expect(server.requests.filter(isToldOfNothing)).toHaveLength(1);
    },
  );

  it("again for children that it has started since is told again, and never twice of the same", async () => {
    const { run, settled, server } = await orchestrator({}, "NO_REPLY", 2);
    expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "I answer without." });
    expect(server.requests.filter(isToldOfNothing)).toHaveLength(2);
  });
});

describe("a yield beside other calls in one answer", () => {
  const beside = [
    { name: "sessions_spawn", args: { task: "leaf" } },
    { name: "list", args: {} },
  ];

  it("ends an orchestrator's turn when those have returned: its model isn't called again before the results", async () => {
    const { server, spoken } = await yieldsBeside(beside);
    const { start, settled, host } = await startRuntime({ model: server.model, limits: { maxSpawnDepth: 2 } });
    const { model } = host;
    // The child is let in long after the yield was called.
    host.onResolve = async () => (await new Promise((resolve) => setTimeout(resolve, 200)), model);
    const run = await start("orchestrate");
    expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "I answer with it." });
    expect(spoken()).toEqual(["orchestrate", "[Subagent result]"]);
  });

  it("ends a main agent's turn as well", async () => {
    const { server, spoken } = await yieldsBeside(beside);
    const standalone = await standaloneWith(server.model);
    expect(await standalone.run("orchestrate")).toMatchObject({ status: "ok", text: "I answer with it." });
    expect(spoken()).toEqual(["orchestrate", "[Subagent result]"]);
  });

  /** @returns `spoken`: what opened, or stood last before, each call of the model by the one that spawns */
  async function yieldsBeside(calls: { name: string; args: Record<string, unknown> }[]) {
    const server = await serveModel(({ lastUserText, afterToolResult }): Reply => {
      if (lastUserText.endsWith("leaf")) return { text: "found", firstByteDelayMs: 500 };
      if (lastUserText.includes("[Subagent result]")) return "I answer with it.";
      if (afterToolResult) return "I go on though I yielded.";
      return { text: "I wait.", toolCalls: [...calls, { name: "sessions_yield", args: {} }] };
    });
    const spoken = () =>
      server.requests
        .filter(({ lastUserText }) => !lastUserText.endsWith("leaf"))
        .map(({ lastUserText, afterToolResult }) =>
          afterToolResult ? "tool" : /\[Subagent result\]|orchestrate/.exec(lastUserText)?.[0],
        );
    return { server, spoken };
  }
});

describe("a main agent of the standalone host that yields", () => {
  it("for a child that ends with NO_REPLY is told, and answers", async () => {
    const { standalone, server } = await mainAgent({}, "NO_REPLY");
    expect(await standalone.run("orchestrate")).toMatchObject({ status: "ok", text: "I answer without." });
    expect(server.requests.filter(isToldOfNothing)).toHaveLength(1);
  });

  it("for a child that tells nobody of its end is refused, and answers", async () => {
    const { standalone } = await mainAgent({ expectsCompletionMessage: false }, "found");
    expect(await standalone.run("orchestrate")).toMatchObject({ status: "ok", text: "I answer." });
  });
});

it("a main agent is told of results that are still to come, not of children that tell nobody", async () => {
  let told = "";
  const server = await serveModel(({ lastUserText, afterToolResult }): Reply => {
    if (lastUserText.includes("[Subagent result]")) return (told = lastUserText.split("\n").at(-1)!) && "Done.";
    if (lastUserText.endsWith("quiet")) return { text: "x", firstByteDelayMs: 1_500 };
    if (lastUserText.endsWith("loud")) return "found";
    if (afterToolResult) return "I wait.";
    const spawn = (args: Record<string, unknown>) => ({ name: "sessions_spawn", args });
    return { toolCalls: [spawn({ task: "quiet", expectsCompletionMessage: false }), spawn({ task: "loud" })] };
  });
  const standalone = await standaloneWith(server.model);
  expect(await standalone.run("orchestrate")).toMatchObject({ status: "ok", text: "Done." });
  expect(told).toContain("No subagent of yours is at work any more");
});

function isToldOfNothing({ lastUserText, afterToolResult }: RecordedRequest): boolean {
  return lastUserText.includes("[Subagents ended]") && !afterToolResult;
}

/** A model that spawns one leaf, yields, and answers; after a yield in vain it does the same again, `rounds` times in all. */
async function family(spawn: Record<string, unknown>, leaf: string, rounds = 1) {
  let round = 0;
  const spawns = (): Reply => {
    round += 1;
    return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf", ...spawn } }] };
  };
  return serveModel((request): Reply => {
    const { lastUserText, afterToolResult } = request;
    if (lastUserText.endsWith("leaf")) return { text: leaf, firstByteDelayMs: 300 };
    if (!afterToolResult) return isToldOfNothing(request) && round >= rounds ? "I answer without." : spawns();
    if (toolTextsOf(request).at(-1)!["status"] === "accepted") {
      return { text: "I wait.", toolCalls: [{ name: "sessions_yield", args: {} }] };
    }
    return "I answer.";
  });
}

async function orchestrator(spawn: Record<string, unknown>, leaf: string, rounds?: number) {
  const server = await family(spawn, leaf, rounds);
  const fixture = await startRuntime({ model: server.model, limits: { maxSpawnDepth: 2 } });
  const run = await fixture.start("orchestrate");
  return {
    ...fixture,
    run,
    server,
    toolTexts: () =>
      toolTextsOf(server.requests.findLast(({ messages }) => messages.some(({ role }) => role === "tool"))!),
  };
}

async function mainAgent(spawn: Record<string, unknown>, leaf: string) {
  const server = await family(spawn, leaf);
  return { server, standalone: await standaloneWith(server.model) };
}

async function standaloneWith(model: RecordingHost["model"]) {
  const standalone = await createStandalone({
    ...{ config: fixtureConfig({}), workspaceDir: tempFolder(), stateDir: tempFolder() },
    resolveModel: async () => model,
  });
  closeAfterTest(() => standalone.close());
  return standalone;
}

function toolTextsOf({ messages }: RecordedRequest): Record<string, unknown>[] {
  return messages
    .filter(({ role }) => role === "tool")
    .map(({ content }) => JSON.parse(String(content)) as Record<string, unknown>);
}
