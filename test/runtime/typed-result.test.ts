/** A collected child whose answer is to fit a schema: judged in its thread, asked once more, and what came of it kept. */

import { describe, expect, it } from "vitest";

import { NOT_IN_TIME } from "../../src/channel/not-in-time.ts";
import { createSessionTools } from "../../src/tools/session-tools.ts";
import type { Completion, SpawnParams } from "../../src/types.ts";
import type { RecordedRequest, Reply } from "../helpers/model-server.ts";
import { recordOf, serveModel, startRuntime } from "../helpers/runtime-fixture.ts";

const SCHEMA = {
  type: "object",
  properties: { finding: { type: "string" }, sure: { type: "number", maximum: 1 } },
  required: ["finding", "sure"],
};
const GOOD = { finding: "moss", sure: 0.5 };

describe("an answer that is to fit a schema", () => {
  it("is read in its thread, and given beside its text", async () => {
    const { spawn, settled, server, fetch } = await answering(() => JSON.stringify(GOOD));
    const run = await spawn();
    expect(await settled(run.runId)).toMatchObject({ outcome: { status: "ok" }, structured: GOOD });
    expect(server.requests).toHaveLength(1);
    expect(JSON.stringify(server.requests[0]!.body)).toContain(JSON.stringify(JSON.stringify(SCHEMA)).slice(1, -1));
    const { completed } = await fetch(run.runId);
    expect(completed).toMatchObject([{ status: "done", result: JSON.stringify(GOOD), structured: GOOD }]);
    expect(completed[0]).not.toHaveProperty("schemaError");
  });

  it("is asked for once more, in the same session and with what was wrong, when it doesn't fit", async () => {
    const { spawn, settled, server } = await answering(({ index }) =>
      JSON.stringify(index === 0 ? { ...GOOD, sure: 7 } : GOOD),
    );
    const completion = await settled((await spawn()).runId);
    expect(completion).toMatchObject({ outcome: { status: "ok" }, structured: GOOD, text: JSON.stringify(GOOD) });
    expect(completion).not.toHaveProperty("schemaError");
    expect(completion.usage.turns).toBe(2);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]!.lastUserText).toMatch(/not in the form that was asked for[^]*#\/sure 7/);
    expect(JSON.stringify(server.requests[1]!.messages)).toContain("look for moss");
  });

  it("that doesn't fit the second time either is kept as it came, with what is wrong with it", async () => {
    const { spawn, settled, server, fetch } = await answering(({ index }) => `Moss, I think (${index}).`);
    const run = await spawn();
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({ outcome: { status: "ok" }, text: "Moss, I think (0)." });
    expect(completion.schemaError).toMatch(/no JSON/);
    expect(completion).not.toHaveProperty("structured");
    expect(server.requests).toHaveLength(2);
    const { completed } = await fetch(run.runId);
    expect(completed).toMatchObject([
      { status: "done", result: "Moss, I think (0).", schemaError: completion.schemaError },
    ]);
    expect(completed[0]).not.toHaveProperty("structured");
  });

  it("is kept as it came when asking again fails: the run has answered, and says what failed", async () => {
    const { fixture, spawn, settled, fetch } = await answering(({ index }) =>
      index === 0 ? "no form" : { status: 400, message: "too long" },
    );
    const run = await spawn();
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({
      outcome: { status: "ok" },
      text: "no form",
      schemaError: expect.stringMatching(
        /^The answer is no JSON value\. Asking for it once more failed: .*400/,
      ) as string,
    });
    expect(completion.outcome).not.toHaveProperty("cause");
    expect(completion).not.toHaveProperty("structured");
    const { text, schemaError } = completion;
    expect(await recordOf(fixture, completion.runId)).toMatchObject({ text, schemaError });
    expect((await fetch(run.runId)).completed).toMatchObject([{ status: "done", result: text, schemaError }]);
  });

  it.each<[string, Partial<SpawnParams>, Partial<Completion["outcome"]>]>([
    ["time is up", { runTimeoutSeconds: 2 }, { status: "timeout" }],
    ["budget has no turn left", { budget: { turns: 1 } }, { status: "error" }],
  ])("and so it is when its %s meanwhile, which its end still says", async (_what, more, outcome) => {
    const { settled, fixture } = await answering(({ index }) =>
      index === 0 ? "no form" : { text: "half", silent: true },
    );
    const run = await fixture.start({ task: "x", collect: true, outputSchema: SCHEMA, ...more });
    const schemaError = "The answer is no JSON value.";
    expect(await settled(run.runId)).toMatchObject({ outcome, text: "no form", schemaError });
  });

  it.each(["Sorry, I can't.", "NO_REPLY", JSON.stringify({ ...GOOD, sure: 7 })])(
    "isn't replaced by another that has no form either: %s",
    async (second) => {
      const first = JSON.stringify({ finding: "moss", important: "data" });
      const { spawn, settled } = await answering(({ index }) => (index === 0 ? first : second));
      const completion = await settled((await spawn()).runId);
      expect(completion).toMatchObject({ outcome: { status: "ok" }, text: first });
      expect(completion.schemaError).toMatch(/required property "sure"/);
    },
  );

  it("is the second one where the first had no word in it", async () => {
    const { spawn, settled } = await answering(({ index }) => (index === 0 ? "" : "Sorry, I can't."));
    expect(await settled((await spawn()).runId)).toMatchObject({ text: "Sorry, I can't." });
  });

  it("isn't asked of what is said on the way: an orchestrator's last answer counts", async () => {
    const { spawn, settled, server } = await answering(({ lastUserText, afterToolResult }) => {
      if (lastUserText.includes("[Subagent result]")) return JSON.stringify(GOOD);
      if (lastUserText.includes("leaf task")) return { text: "moss", firstByteDelayMs: 50 };
      if (afterToolResult) return "I wait for it.";
      return { toolCalls: [{ name: "sessions_spawn", args: { task: "leaf task" } }] };
    });
    expect(await settled((await spawn()).runId)).toMatchObject({ structured: GOOD });
    expect(server.requests.some(({ lastUserText }) => lastUserText.includes("Form of the answer"))).toBe(false);
  });

  it("isn't asked for of a child that was given no schema, nor of one that was killed", async () => {
    const { fixture, spawn, server } = await answering(({ lastUserText }) =>
      lastUserText.includes("plain") ? "plain words" : { silent: true },
    );
    const plain = await fixture.start({ task: "plain", collect: true });
    expect(await fixture.settled(plain.runId)).not.toHaveProperty("schemaError");
    const run = await spawn();
    await expect.poll(() => server.requests.length).toBe(2);
    await fixture.runtime.kill(run.runId, fixture.requester);
    expect(await fixture.settled(run.runId)).not.toHaveProperty("schemaError");
    expect(server.requests).toHaveLength(2);
  });

  it("that nobody can give, for its schema can't be read, costs no call: the run fails and says what is wrong", async () => {
    const { fixture, server } = await answering(() => "{}");
    const run = await fixture.start({ task: "x", collect: true, outputSchema: { type: "strng" } });
    expect((await fixture.settled(run.runId)).outcome).toEqual({
      status: "error",
      cause: { code: "params_invalid", message: `outputSchema can't be used: "strng" is no type at its root.` },
    });
    expect(server.requests).toEqual([]);
  });

  it("that would be tried against its schema for ever is kept as it came, asked for once, and holds up nobody for long", async () => {
    const text = JSON.stringify(`${"a".repeat(60)}!`);
    const { fixture, settled, server, fetch } = await answering(({ lastUserText }) =>
      lastUserText.includes("beside") ? { text: "fine", firstByteDelayMs: 1_000 } : text,
    );
    const beside = await fixture.start({ task: "beside" });
    const outputSchema = { type: "string", pattern: "^(a+)+$" };
    const run = await fixture.start({ task: "x", collect: true, outputSchema });
    const completion = await settled(run.runId);
    expect(completion).toMatchObject({ outcome: { status: "ok" }, text });
    expect(completion.usage).toMatchObject({ turns: 1 });
    expect((await fetch(run.runId)).completed).toMatchObject([
      { status: "done", result: text, schemaError: NOT_IN_TIME },
    ]);
    expect(await settled(beside.runId)).toMatchObject({ outcome: { status: "ok" }, text: "fine" });
    expect(server.requests).toHaveLength(2);
  });

  it("that is nested too deep is kept as it came, beside what is wrong", async () => {
    const text = "[".repeat(20_000) + "]".repeat(20_000);
    const { spawn, settled } = await answering(() => text);
    expect(await settled((await spawn()).runId)).toMatchObject({
      outcome: { status: "ok" },
      text,
      schemaError: "The answer is nested deeper than 500 levels.",
    });
  });

  it("stands in its transcript once for each time it was given", async () => {
    const { spawn, settled, fixture } = await answering(({ index }) => (index === 0 ? "none" : JSON.stringify(GOOD)));
    const run = await spawn();
    await settled(run.runId);
    const { messages } = await fixture.runtime.history(run.childSessionKey, fixture.requester);
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
  });
});

async function answering(script: (request: RecordedRequest) => Reply) {
  const server = await serveModel(script);
  const fixture = await startRuntime({ model: server.model, limits: { maxSpawnDepth: 2 } });
  const wait = createSessionTools(fixture.runtime, fixture.requester).find(({ name }) => name === "agents_wait")!;
  return {
    fixture,
    server,
    settled: fixture.settled,
    spawn: () => fixture.start({ task: "look for moss", collect: true, outputSchema: SCHEMA }),
    fetch: async (runId: string) => {
      const { details } = await wait.execute("call", { ids: [runId] }, AbortSignal.timeout(30_000));
      return details as { completed: Record<string, unknown>[] };
    },
  };
}
