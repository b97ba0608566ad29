import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AgentContext, AgentMessage, runAgentLoop } from "@earendil-works/pi-agent-core";
import type { Api, Message, Model } from "@earendil-works/pi-ai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundleFiles } from "../../scripts/bundle-worker.ts";
import { PROVIDER_APIS, type streamFnFor } from "../../src/worker/engines/provider-apis.ts";
import { ANSWER, ARGUMENT_PIECES, startProviderServer, type ProviderServer } from "./provider-server.ts";

const ROOT = join(import.meta.dirname, "..", "..");

describe("a bundled provider", () => {
  let bundled: { runAgentLoop: typeof runAgentLoop; streamFnFor: typeof streamFnFor };
  let server: ProviderServer;
  let place: string;
  beforeAll(async () => {
    place = mkdtempSync(join(tmpdir(), "inprocess-providers-"));
    await bundleFiles(ROOT, place, { apis: join(import.meta.dirname, "apis-entry.ts") });
    writeFileSync(join(place, "package.json"), `{"type":"module"}`);
    bundled = (await import(pathToFileURL(join(place, "apis.js")).href)) as typeof bundled;
    server = await startProviderServer();
  });
  afterAll(async () => {
    rmSync(place, { recursive: true, force: true });
    await server.close();
  });
  beforeEach(() => {
    server.requests.length = 0;
  });

  const overHttp = PROVIDER_APIS.filter((api) => api !== "bedrock-converse-stream");

  it.each(overHttp)("%s calls a tool with its streamed arguments and answers", async (api) => {
    const { calls, answer } = await talk(api);
    expect(calls).toEqual([JSON.parse(ARGUMENT_PIECES.join(""))]);
    expect(answer).toBe(ANSWER);
  });

  it.each(overHttp)("%s takes its key from the model and nothing from the environment", async (api) => {
    await withEnvironment(() => talk(api));
    expect(server.requests).toHaveLength(2);
    for (const { headers } of server.requests) {
      expect(JSON.stringify(headers)).toContain("key-of-the-model");
      expect(JSON.stringify(headers)).not.toContain("from-the-environment");
    }
  });

  it("bedrock-converse-stream without a key says that profiles aren't read", async () => {
    const message = await withEnvironment(() => talk("bedrock-converse-stream", { apiKey: undefined }));
    expect(message.error).toContain("AWS profiles and variables aren't read");
    expect(server.requests).toEqual([]);
  });

  it("refuses arguments that don't fit the tool's schema, in words for the model", async () => {
    const { results } = await talk("openai-completions", { required: ["text", "other"] });
    expect(results[0]).toMatch(/Validation failed for tool "note":\n.*other/);
  });

  it("refuses an unknown api naming those there are", async () => {
    await expect(bundled.streamFnFor("telnet")).rejects.toMatchObject({
      code: "model_unusable",
      message: expect.stringMatching(/"telnet".*openai-completions, .*anthropic-messages/) as string,
    });
    await expect(bundled.streamFnFor("toString")).rejects.toMatchObject({ code: "model_unusable" });
  });

  type Talk = { calls: unknown[]; results: string[]; answer: string; error: string | undefined };

  /** One whole agent loop: the model calls the tool `note`, gets `tool said`, answers. */
  async function talk(api: string, options: { apiKey?: string | undefined; required?: string[] } = {}): Promise<Talk> {
    const calls: unknown[] = [];
    const note = {
      name: "note",
      label: "Note",
      description: "Takes a note.",
      parameters: { type: "object", properties: { text: { type: "string" } }, required: options.required ?? ["text"] },
      execute: async (_id: string, args: unknown) => {
        calls.push(args);
        return { content: [{ type: "text" as const, text: "tool said" }], details: {} };
      },
    };
    const context = { systemPrompt: "", messages: [], tools: [note] } as unknown as AgentContext;
    const apiKey = "apiKey" in options ? options.apiKey : "key-of-the-model";
    const messages = await bundled.runAgentLoop(
      [{ role: "user", content: [{ type: "text", text: "go" }], timestamp: 1 }],
      context,
      {
        model: modelOf(api),
        ...(apiKey === undefined ? {} : { apiKey }),
        maxRetries: 0,
        convertToLlm: (all: AgentMessage[]) => all as Message[],
      },
      () => {},
      undefined,
      await bundled.streamFnFor(api),
    );
    const last = messages.findLast((message) => message.role === "assistant");
    const results = messages.flatMap((message) => (message.role === "toolResult" ? [textOf(message.content)] : []));
    return { calls, results, answer: textOf(last?.content ?? []), error: last?.errorMessage };
  }

  function modelOf(api: string): Model<Api> {
    const path = api.startsWith("google") ? "/v1beta" : /messages|mistral/.test(api) ? "" : "/v1";
    return {
      id: "m",
      name: "m",
      api,
      provider: "local",
      baseUrl: `${server.url}${path}`,
      reasoning: false,
      input: ["text"],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      contextWindow: 100_000,
      maxTokens: 1000,
    };
  }
});

function textOf(content: readonly { type: string }[]): string {
  return content.map((block) => ("text" in block ? String(block.text) : "")).join("");
}

/** Variables that each client would read: other keys, other servers, headers of their own. */
async function withEnvironment<T>(work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, {
    OPENAI_API_KEY: "from-the-environment",
    OPENAI_ORG_ID: "from-the-environment",
    OPENAI_BASE_URL: "http://127.0.0.1:9/from-the-environment",
    AZURE_OPENAI_BASE_URL: "http://127.0.0.1:9/from-the-environment",
    ANTHROPIC_AUTH_TOKEN: "from-the-environment",
    ANTHROPIC_CUSTOM_HEADERS: "x-leak: from-the-environment",
    GOOGLE_API_KEY: "from-the-environment",
    GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:9/from-the-environment",
    AWS_ACCESS_KEY_ID: "from-the-environment",
    AWS_SECRET_ACCESS_KEY: "from-the-environment",
    AWS_BEARER_TOKEN_BEDROCK: "from-the-environment",
  });
  try {
    return await work();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
}
