/** An answer that only says that nothing changes (`NO_REPLY`, `ANNOUNCE_SKIP`) to an orchestrator's results. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { lastTextIn } from "../../src/runtime/last-text.ts";
import { createSessionTools } from "../../src/tools/session-tools.ts";
import type { Reply } from "../helpers/model-server.ts";
import { serveModel, startRuntime, tempFolder } from "../helpers/runtime-fixture.ts";

describe("an orchestrator that answers its children's results with a silent token", () => {
  it.each(["NO_REPLY", "ANNOUNCE_SKIP", " NO_REPLY\n", ""])("%j keeps the answer it has given", async (word) => {
    const { start, settled, host, runtime, requester } = await orchestrator("THE WHOLE ANSWER IS 42", word);
    const run = await start("orchestrate");
    expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "THE WHOLE ANSWER IS 42" });
    await host.deliveredTimes(1);
    expect(host.delivered).toMatchObject([{ runId: run.runId, text: "THE WHOLE ANSWER IS 42" }]);
    expect(host.delivered[0]!.message).toContain("THE WHOLE ANSWER IS 42");
    const wait = createSessionTools(runtime, requester).find(({ name }) => name === "agents_wait")!;
    const { details } = await wait.execute("c", { ids: [run.runId] }, new AbortController().signal);
    expect(details).toMatchObject({ completed: [{ status: "done", result: "THE WHOLE ANSWER IS 42" }] });
  });

  it.each(["NO_REPLY", ""])("%j keeps its typed answer, and isn't asked for another", async (word) => {
    const { start, settled, server } = await orchestrator('{"answer":42}', word);
    const outputSchema = { type: "object", required: ["answer"] };
    const run = await start({ task: "orchestrate", collect: true, outputSchema });
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({ text: '{"answer":42}', structured: { answer: 42 } });
    expect(completion).not.toHaveProperty("schemaError");
    expect(server.requests).toHaveLength(4);
  });

  it("keeps what is wrong with an answer that lacked its form, and is asked for it once more", async () => {
    const { start, settled, server } = await orchestrator("forty-two", "NO_REPLY");
    const run = await start({ task: "orchestrate", collect: true, outputSchema: { type: "object" } });
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({ text: "forty-two", schemaError: "The answer is no JSON value." });
    expect(server.requests.filter(({ lastUserText }) => lastUserText.includes("Form of the answer"))).toHaveLength(1);
  });

  it("has no typed answer when the turn failed", async () => {
    const { start, settled } = await orchestrator('{"answer":42}', { status: 400, message: "boom" });
    const run = await start({ task: "orchestrate", collect: true, outputSchema: { type: "object" } });
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({ outcome: { status: "error" }, text: "" });
    expect(completion).not.toHaveProperty("structured");
  });

  it("is silent when all it had said stood beside a yield", async () => {
    const yields = { text: "I wait for it.", toolCalls: [{ name: "sessions_yield", args: {} }] };
    const { start, settled, runtime, requester } = await orchestrator(yields, "NO_REPLY");
    const run = await start("orchestrate");
    expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, text: "NO_REPLY" });
    expect(await runtime.list(requester)).toMatchObject([{ runId: run.runId, delivery: "none" }]);
  });
});

it("what a session said last, for a run that its process left behind, is the answer before a silent token", () => {
  const file = join(tempFolder(), "t.jsonl");
  const said = (role: string, text: string) =>
    JSON.stringify({ type: "message", message: { role, content: [{ type: "text", text }], timestamp: 1 } });
  const lines = [
    said("user", "You are a subagent.\n[Subagent Task]\nwork"),
    said("assistant", "42"),
    said("user", "[Subagent result]"),
    said("assistant", "NO_REPLY"),
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  expect(lastTextIn(file)).toBe("42");
});

/** A model that spawns one leaf, says `first`, and answers the leaf's result with `woken`. */
async function orchestrator(first: Reply, woken: Reply) {
  const server = await serveModel(({ lastUserText, afterToolResult }): Reply => {
    if (lastUserText.includes("[Subagent result]") || lastUserText.includes("Form of the answer")) return woken;
    if (lastUserText.endsWith("leaf")) return { text: "agreed", firstByteDelayMs: 300 };
    if (afterToolResult) return first;
    return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf" } }] };
  });
  return { ...(await startRuntime({ model: server.model, limits: { maxSpawnDepth: 2 } })), server };
}
