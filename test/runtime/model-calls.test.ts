import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { Completion } from "../../src/types.ts";
import type { ModelApi, RecordedRequest, Reply, Script } from "../helpers/model-server.ts";
import {
  collect,
  recordOf,
  serveModel,
  startRuntime,
  type Fixture,
  type FixtureOptions,
} from "../helpers/runtime-fixture.ts";

const APIS: ModelApi[] = ["openai-completions", "anthropic-messages"];

describe.each(APIS)("a child whose model speaks %s", (api) => {
  it("answers, with its usage and the model that answered", async () => {
    const { completion, server } = await ask(api, { text: "Forty-two.", usage: { input: 120, output: 30 } });
    expect(completion).toMatchObject({
      outcome: { status: "ok" },
      text: "Forty-two.",
      model: "scripted/scripted-1",
      usage: { input: 120, output: 30, totalTokens: 150, turns: 1, toolCalls: 0 },
    });
    expect(server.requests).toHaveLength(1);
    expect(JSON.stringify(server.requests[0]!.headers)).toContain("key-of-a-scripted-model");
  });

  it("may call tools in parallel, and is shown every result beside its call", async () => {
    const { completion, server, fixture } = await ask(api, (request) =>
      request.afterToolResult
        ? "Both read."
        : {
            text: "Reading.",
            toolCalls: [
              { name: "read", args: { path: "a.txt" }, id: "call_a" },
              { name: "read", args: { path: "b.txt" }, id: "call_b" },
            ],
          },
    );
    expect(completion).toMatchObject({ text: "Both read.", usage: { turns: 2, toolCalls: 2 } });
    const results = toolResults(server.requests[1]!);
    expect(results["call_a"]).toContain("first file");
    expect(results["call_b"]).toContain("second file");
    expect(fixture.events.filter((event) => event.type === "tool_end")).toHaveLength(2);
  });

  it("that changes a file sees the change in the calls after it", async () => {
    const { server } = await ask(api, (request) =>
      request.afterToolResult
        ? "Done."
        : {
            text: "Writing.",
            toolCalls: [
              { name: "write", args: { path: "new/note.txt", content: "from the first call" }, id: "call_w" },
              { name: "read", args: { path: "new/note.txt" }, id: "call_r" },
            ],
          },
    );
    expect(toolResults(server.requests[1]!)["call_r"]).toContain("from the first call");
  });

  it("that is told to slow down is asked again after the time it names", async () => {
    const { completion, server, fixture } = await ask(api, ({ index }) =>
      index === 0 ? { status: 429, message: "slow down", headers: { "retry-after-ms": "30" } } : "after all",
    );
    expect(completion).toMatchObject({ outcome: { status: "ok" }, text: "after all" });
    const [first, second] = server.requests;
    expect(second!.arrivedAt - first!.arrivedAt).toBeGreaterThanOrEqual(29);
    expect(fixture.events).toContainEqual(expect.objectContaining({ type: "retry" }));
  });

  it("that keeps answering 500 fails the run with what it said", async () => {
    const { completion } = await ask(api, {
      status: 500,
      message: "the cat sat on the rack",
      headers: { "retry-after-ms": "1" },
    });
    expect(completion.outcome).toMatchObject({ status: "error", cause: { code: "model_error" } });
    expect(completion.outcome.cause!.message).toContain("the cat sat on the rack");
    expect(completion.message).toContain("the cat sat on the rack");
  });

  it("that breaks off in the midst fails the run; what had been said stands in its record alone", async () => {
    const reply = { text: "abcdefgh".repeat(20), chunkChars: 8, dropAfterChunks: 6 };
    const { completion, fixture } = await ask(api, reply);
    expect(completion.outcome).toMatchObject({ status: "error", cause: { code: "model_error" } });
    expect((await recordOf(fixture, completion.runId))!.text).toMatch(/^abcdefgh/);
    expect(completion.text).toBe("");
    expect(completion.message).not.toContain("abcdefgh");
  });

  it.each<[string, Reply]>([
    ["never answers", { silent: true }],
    ["falls silent in the midst", { text: "so far so good ".repeat(20), hangAfterChunks: 5 }],
  ])("that %s fails the run once the idle time is up, saying which key to raise", async (_how, reply) => {
    const { completion } = await ask(api, reply, { config: { agents: { defaults: { timeoutSeconds: 1 } } } });
    expect(completion.outcome).toMatchObject({ status: "error", cause: { code: "model_timeout" } });
    expect(completion.outcome.cause!.message).toMatch(/no answer for 1 s.*timeoutSeconds/);
  });

  it.each<[string, Reply]>([
    ["broken JSON", { raw: "data: {this is no json\n\n" }],
    ["a page of HTML", { raw: "<html>Bad gateway</html>", contentType: "text/html" }],
    ["nothing at all", { raw: "" }],
  ])("that sends %s fails the run in words", async (_what, reply) => {
    const { completion } = await ask(api, reply);
    expect(completion.outcome).toMatchObject({ status: "error", cause: { code: "model_error" } });
    expect(completion.outcome.cause!.message.length).toBeGreaterThan(30);
  });

  it("whose key has run out is asked again once, with the key the host gives then", async () => {
    const { completion, server, fixture } = await ask(
      api,
      ({ headers }) => (JSON.stringify(headers).includes("fresh-key") ? "let in" : { status: 401, message: "bad key" }),
      {},
      ({ host }) => {
        const stale = host.model;
        host.onResolve = async (_ref, { refresh }) => (refresh ? { ...stale, apiKey: "fresh-key" } : stale);
      },
    );
    expect(completion).toMatchObject({ outcome: { status: "ok" }, text: "let in" });
    expect(server.requests).toHaveLength(2);
    expect(fixture.host.resolved.filter((call) => call.refresh)).toEqual([
      { ref: "scripted/scripted-1", agentId: "main", refresh: true },
    ]);
  });

  it("whose key stays refused fails the run after one question to the host", async () => {
    const { completion, server, fixture } = await ask(api, { status: 401, message: "bad key" });
    expect(completion.outcome).toMatchObject({ status: "error", cause: { code: "model_error" } });
    expect(completion.outcome.cause!.message).toContain("bad key");
    expect(server.requests).toHaveLength(1);
    expect(fixture.host.resolved.filter((call) => call.refresh)).toHaveLength(1);
  });

  it("that fails is followed by its fallbacks in order, and the one that answered is named", async () => {
    const { completion, server } = await ask(
      api,
      ({ body }) =>
        body.model === "third"
          ? "third time lucky"
          : { status: 503, message: "busy", headers: { "retry-after-ms": "1" } },
      { limits: { model: { primary: "scripted/first", fallbacks: ["scripted/second", "scripted/third"] } } },
      ({ host }) => {
        const { model } = host;
        host.onResolve = async (ref) => ({ ...model, id: ref!.split("/")[1]! });
      },
    );
    expect(completion).toMatchObject({ outcome: { status: "ok" }, text: "third time lucky", model: "scripted/third" });
    const asked = server.requests.map((request) => request.body.model);
    expect([...new Set(asked)]).toEqual(["first", "second", "third"]);
    expect(completion.message).toContain("scripted/third");
  });

  it("that refuses the request itself is not followed by a fallback", async () => {
    const { completion, server } = await ask(
      api,
      { status: 400, message: "this prompt is no good" },
      { limits: { model: { primary: "scripted/first", fallbacks: ["scripted/second"] } } },
    );
    expect(completion.outcome.cause!.message).toContain("this prompt is no good");
    expect(server.requests).toHaveLength(1);
  });
});

it("a server that tells nonsense of its usage costs the run nothing but the figures", async () => {
  const chunk = (more: object) =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "m", ...more })}\n\n`;
  const raw = [
    chunk({ choices: [{ index: 0, delta: { content: "fine" }, finish_reason: null }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    chunk({ choices: [], usage: { prompt_tokens: "many", completion_tokens: null } }),
    "data: [DONE]\n\n",
  ].join("");
  const { completion } = await ask("openai-completions", { raw });
  expect(completion).toMatchObject({ outcome: { status: "ok" }, text: "fine" });
  expect(completion.message).not.toContain("NaN");
});

/** One child, from its spawn to its completion as the host was given it. */
async function ask(
  api: ModelApi,
  reply: Reply | Script,
  options: FixtureOptions = {},
  prepare: (fixture: Fixture) => void = () => undefined,
) {
  const server = await serveModel(typeof reply === "function" ? reply : () => reply, api);
  const started = await startRuntime({ ...options, model: server.model });
  const fixture = { ...started, events: collect(started.runtime.events()) };
  writeFileSync(join(fixture.workspaceDir, "a.txt"), "first file");
  writeFileSync(join(fixture.workspaceDir, "b.txt"), "second file");
  prepare(fixture);
  await fixture.start("answer");
  await fixture.host.deliveredTimes(1);
  const completion: Completion = fixture.host.delivered[0]!;
  return { completion, server, fixture };
}

/** Text of each tool result in a request, by the id of its call. */
function toolResults(request: RecordedRequest): Record<string, string> {
  const results = request.messages.flatMap((message) => {
    if (message.role === "tool") return [[message.tool_call_id, JSON.stringify(message.content)]];
    const blocks = Array.isArray(message.content) ? (message.content as Record<string, unknown>[]) : [];
    return blocks
      .filter((block) => block.type === "tool_result")
      .map((block) => [block.tool_use_id, JSON.stringify(block.content)]);
  });
  return Object.fromEntries(results) as Record<string, string>;
}
