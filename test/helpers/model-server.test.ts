import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { normalizeContext, Type, type Api, type AssistantMessage, type Model } from "@earendil-works/pi-ai";
import { streamSimple as streamAnthropic } from "@earendil-works/pi-ai/api/anthropic-messages";
import { streamSimple as streamOpenai } from "@earendil-works/pi-ai/api/openai-completions";
import { afterEach, describe, expect, it } from "vitest";

import {
  startModelServer,
  type ModelApi,
  type ModelServer,
  type RawReply,
  type Reply,
  type Script,
  type SilentReply,
  type StreamReply,
} from "./model-server.ts";

const APIS: ModelApi[] = ["openai-completions", "anthropic-messages"];
const open: ModelServer[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

describe.each(APIS)("a scripted %s server", (api) => {
  it("streams a text in chunks, with the usage it was told", async () => {
    const text = "Grüße, 世界. ".repeat(40);
    const server = await serve(api, { text, chunkChars: 16, usage: { input: 321, output: 45 } });
    const { message, textDeltas } = await ask(server);
    expect(message).toMatchObject({ stopReason: "stop", usage: { input: 321, output: 45 } });
    expect(message.content).toEqual([expect.objectContaining({ type: "text", text })]);
    expect(textDeltas).toBe(Math.ceil(text.length / 16));
    expect(server.requests[0]).toMatchObject({ index: 0, lastUserText: "hello #id=a1", afterToolResult: false });
    await expect.poll(() => server.requests[0]?.finishedAt).toBeGreaterThan(server.requests[0]?.arrivedAt ?? 0);
  });

  it("streams parallel tool calls as argument deltas", async () => {
    const calls = [
      { name: "read", args: { path: "a/ü.ts", deep: { list: [1, 2, { x: 'quo"te' }] } } },
      { name: "read", args: { path: "b".repeat(300) } },
    ];
    const server = await serve(api, { text: "Reading.", toolCalls: calls, chunkChars: 7 });
    const { message, argumentDeltas } = await ask(server);
    expect(message.stopReason).toBe("toolUse");
    const called = message.content.filter((block) => block.type === "toolCall");
    expect(called.map(({ name, arguments: args }) => ({ name, args }))).toEqual(calls);
    expect(new Set(called.map((call) => call.id)).size).toBe(2);
    expect(argumentDeltas).toBeGreaterThan(40);
  });

  it("answers with a status, a retry-after and the API's error shape, then with what the script says next", async () => {
    const server = await serve(api, ({ index }) =>
      index === 0 ? { status: 429, message: "slow down", headers: { "retry-after-ms": "5" } } : "after all",
    );
    const { message } = await ask(server, { maxRetries: 1 });
    expect(message.content).toEqual([expect.objectContaining({ text: "after all" })]);
    expect(server.requests).toHaveLength(2);
  });

  it.each([401, 500])("tells the text of a %i", async (status) => {
    const server = await serve(api, { status, message: "the cat sat on the rack" });
    const { message } = await ask(server);
    expect(message.stopReason).toBe("error");
    expect(message.errorMessage).toContain("the cat sat on the rack");
  });

  it("drops the connection after as many chunks as asked", async () => {
    const server = await serve(api, { text: "abcdefgh".repeat(20), chunkChars: 8, dropAfterChunks: 6 });
    const { message } = await ask(server);
    expect(message.stopReason).toBe("error");
    expect(JSON.stringify(message.content)).toContain("abcdefgh");
    const path = api === "openai-completions" ? "/v1/chat/completions" : "/v1/messages";
    const response = await fetch(server.url + path, { method: "POST", body: "{}" });
    await expect(response.text()).rejects.toThrow("terminated");
  });

  it.each<SilentReply | StreamReply>([{ silent: true }, { text: "never whole ".repeat(50), hangAfterChunks: 5 }])(
    "hangs for as long as the client waits: %j",
    async (reply) => {
      const server = await serve(api, reply);
      const patience = new AbortController();
      const asked = ask(server, { signal: patience.signal });
      await expect.poll(() => server.requests.length).toBe(1);
      patience.abort();
      expect((await asked).message.stopReason).toBe("aborted");
      if (!("silent" in reply)) await expect.poll(() => server.requests[0]?.abandoned).toBe(true);
    },
  );

  it.each<RawReply>([
    { raw: "data: {this is no json\n\n" },
    { raw: "<html>Bad gateway</html>", contentType: "text/html" },
  ])("sends bytes that are no answer: %j", async (reply) => {
    const { message } = await ask(await serve(api, reply));
    expect(message.stopReason).toBe("error");
  });

  it("closes with a hanging request open", async () => {
    const server = await serve(api, { silent: true });
    const asked = ask(server);
    await expect.poll(() => server.requests.length).toBe(1);
    await server.close();
    expect((await asked).message.stopReason).toBe("error");
  });

  it("answers a script's own mistake with a 500 that quotes it", async () => {
    const server = await serve(api, () => {
      throw new Error("no reply left");
    });
    expect((await ask(server)).message.errorMessage).toContain("no reply left");
  });
});

describe("the stand-alone model server", () => {
  it("keys the times of each request by the marker in its last user message", async () => {
    const behaviour = { answerBytes: 500, chunkBytes: 50, toolCall: { name: "read", argument: "path", bytes: 1_000 } };
    const child = fork(join(import.meta.dirname, "..", "..", "benchmarks", "model-server.ts"), [
      JSON.stringify(behaviour),
    ]);
    try {
      const [{ port }] = (await once(child, "message")) as [{ port: number }];
      const baseUrl = `http://127.0.0.1:${port}/v1`;
      const before = performance.timeOrigin + performance.now();
      const { message } = await ask({ baseUrl, api: "openai-completions" });
      expect(message.content).toEqual([expect.objectContaining({ arguments: { path: "x".repeat(1_000) } })]);
      const times = await expectTimes(`http://127.0.0.1:${port}/times`);
      // Clocks of two processes agree to about a millisecond.
      expect(times.a1?.arrived[0]).toBeGreaterThan(before - 100);
      expect(times.a1?.lastByte[0]).toBeGreaterThanOrEqual(times.a1?.arrived[0] ?? Infinity);
      await fetch(`http://127.0.0.1:${port}/times`, { method: "DELETE" });
      expect(await (await fetch(`http://127.0.0.1:${port}/times`)).json()).toEqual({});
    } finally {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    }
  });
});

async function serve(api: ModelApi, reply: Reply | Script): Promise<ModelServer> {
  const server = await startModelServer({ api, script: typeof reply === "function" ? reply : () => reply });
  open.push(server);
  return server;
}

/** One request through pi-ai and the provider's own SDK. */
async function ask(
  server: Pick<ModelServer, "baseUrl"> & { api?: ModelApi; model?: ModelServer["model"] },
  options: { signal?: AbortSignal; maxRetries?: number } = {},
): Promise<{ message: AssistantMessage; textDeltas: number; argumentDeltas: number }> {
  const api = server.api ?? server.model?.api ?? "openai-completions";
  const model = { ...MODEL, api, baseUrl: server.baseUrl };
  const context = normalizeContext({
    systemPrompt: "Be short.",
    messages: [{ role: "user", content: "hello #id=a1", timestamp: 0 }],
    tools: [{ name: "read", description: "Reads", parameters: Type.Object({ path: Type.String() }) }],
  });
  const settings = { apiKey: "k", maxRetries: 0, ...options };
  const stream =
    api === "openai-completions"
      ? streamOpenai(model as Model<"openai-completions">, context, settings)
      : streamAnthropic(model as Model<"anthropic-messages">, context, settings);
  let textDeltas = 0;
  let argumentDeltas = 0;
  for await (const event of stream) {
    if (event.type === "text_delta") textDeltas += 1;
    if (event.type === "toolcall_delta") argumentDeltas += 1;
  }
  return { message: await stream.result(), textDeltas, argumentDeltas };
}

/** The last byte's time is there a moment after the client has read it. */
async function expectTimes(url: string): Promise<Record<string, { arrived: number[]; lastByte: number[] }>> {
  const read = async () =>
    (await (await fetch(url)).json()) as Record<string, { arrived: number[]; lastByte: number[] }>;
  await expect.poll(async () => (await read()).a1?.lastByte.length).toBe(1);
  return read();
}

const MODEL: Model<Api> = {
  id: "scripted-1",
  name: "Scripted",
  api: "",
  provider: "scripted",
  baseUrl: "",
  reasoning: false,
  input: ["text"],
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  contextWindow: 200_000,
  maxTokens: 8_192,
};
