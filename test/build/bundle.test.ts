import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AgentContext, AgentMessage, runAgentLoop } from "@earendil-works/pi-agent-core";
import type { Api, Message, Model } from "@earendil-works/pi-ai";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { assertWorkerText } from "../../scripts/bundle-check.ts";
import { WORKER_PATCHES } from "../../scripts/bundle-patches.ts";
import { applyEdits, replaceModules, type ModulePatch } from "../../scripts/bundle-plugins.ts";
import { bundleFiles, bundleWorker, OWN_FILES } from "../../scripts/bundle-worker.ts";
import { PROVIDER_APIS, type streamFnFor } from "../../src/worker/engines/provider-apis.ts";
import { ANSWER, ARGUMENT_PIECES, startProviderServer, type ProviderServer } from "./provider-server.ts";

const ROOT = join(import.meta.dirname, "..", "..");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "inprocess-bundle-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the bundled worker", () => {
  let worker: string;
  let bytes: number;
  beforeAll(async () => {
    worker = join(folder, "worker");
    ({ bytes } = await bundleWorker(ROOT, folder));
  });

  it("is one file, and one more for each client that is seldom used", () => {
    expect(readdirSync(worker).sort()).toEqual(
      ["entry.js", "entry.js.LEGAL.txt", ...OWN_FILES.map((api) => `${api}.js`)].sort(),
    );
    expect(bytes).toBe(statSync(join(worker, "entry.js")).size);
  });

  it.each(["entry", ...OWN_FILES])(
    "has no environment, eval or process in %s.js, small enough to be scanned",
    (name) => {
      const text = readFileSync(join(worker, `${name}.js`), "utf8");
      expect(text).not.toMatch(/process\d*\.env|child_process|eval\(|new Function\(|process\.env/);
      expect(text.length).toBeLessThan(1024 * 1024);
    },
  );

  it("names the licence of everything in it", () => {
    const legal = readFileSync(join(worker, "entry.js.LEGAL.txt"), "utf8");
    for (const name of [
      "@earendil-works/pi-ai 0.87.1",
      "openai ",
      "@anthropic-ai/sdk ",
      "typebox ",
      "@openclaw/fs-safe ",
    ]) {
      expect(legal).toContain(`\n${name}`);
    }
    expect(legal).toContain("Permission is hereby granted");
  });
});

describe("assertWorkerText", () => {
  it.each([
    ["const a = process.env.KEY;", "the environment"],
    ["const a = globalThis.process?.env;", "the environment"],
    [`const a = process2["env"];`, "the environment"],
    ["// process.env in a comment", "the environment"],
    [`import "node:child_process";`, "child_process"],
    ["eval('1')", "eval"],
    ["const f = new Function('return 1');", "a function made from text"],
    ["const f = new (globalThis.Function)(code);", "a function made from text"],
    [`readFileSync("/proc/self/environ")`, "a file of the system's"],
  ])("refuses %j", (text, what) => {
    expect(() => assertWorkerText(`let x;\n${text}\n`, "dist/worker/entry.js")).toThrow(what);
  });

  it("names everything that matched, and where", () => {
    const text = `fine(); eval("1"); fine(); process.env.HOME;`;
    expect(() => assertWorkerText(text, "some.js")).toThrow(
      /^some\.js holds .*the environment near `.*HOME.*eval near `.*"1"/,
    );
  });

  it("lets a regular expression's exec pass", () => {
    expect(() => assertWorkerText("/a/.exec('a'); evaluate(); processEnv();", "entry.js")).not.toThrow();
  });
});

describe("replaceModules", () => {
  const MODULE = "partial-json/dist/index.js";
  const bundle = (patches: ModulePatch[]) =>
    build({
      stdin: { contents: `export * from "partial-json";`, resolveDir: ROOT },
      bundle: true,
      write: false,
      format: "esm",
      logLevel: "silent",
      plugins: [replaceModules(patches)],
    });

  it("fails the build naming the module when the text isn't there", async () => {
    const patch: ModulePatch = { module: MODULE, why: "a test", edits: [{ from: "no such text", to: "" }] };
    await expect(bundle([patch])).rejects.toThrow(
      `${MODULE} (a test) expects "no such text" once and found it 0 times`,
    );
  });

  it("fails the build when the text is there more than once", async () => {
    const patch: ModulePatch = { module: MODULE, why: "a test", edits: [{ from: "const", to: "var" }] };
    await expect(bundle([patch])).rejects.toThrow(/expects "const" once and found it \d+ times/);
  });

  it("fails the build when a patch's module isn't met any more", async () => {
    const patch: ModulePatch = { module: "partial-json/moved.js", why: "a test", contents: "" };
    await expect(bundle([patch])).rejects.toThrow("partial-json/moved.js (a test) met no module");
  });

  it("puts the new text in", async () => {
    const patch: ModulePatch = { module: MODULE, why: "a test", contents: "export const parse = 'ours';" };
    expect((await bundle([patch])).outputFiles[0]!.text).toContain('parse = "ours"');
  });

  it("takes one parse a delta out of each of pi's streams and leaves the one at the end", () => {
    const linear = WORKER_PATCHES.filter((patch) => patch.module.startsWith("@earendil-works/pi-ai/dist/api/"));
    expect(linear).toHaveLength(5);
    for (const patch of linear) {
      if (!("edits" in patch)) throw new Error(`${patch.module} isn't edited`);
      const before = readFileSync(join(ROOT, "node_modules", patch.module), "utf8");
      const parses = (text: string): number => text.split("parseStreamingJson(").length - 1;
      expect(parses(applyEdits(before, patch)), patch.module).toBe(parses(before) - 1);
      expect(parses(before), patch.module).toBeGreaterThan(1);
    }
  });
});

describe("a bundled provider", () => {
  let bundled: { runAgentLoop: typeof runAgentLoop; streamFnFor: typeof streamFnFor };
  let server: ProviderServer;
  beforeAll(async () => {
    const place = join(folder, "apis");
    await bundleFiles(ROOT, place, { apis: join(import.meta.dirname, "apis-entry.ts") });
    writeFileSync(join(place, "package.json"), `{"type":"module"}`);
    bundled = (await import(pathToFileURL(join(place, "apis.js")).href)) as typeof bundled;
    server = await startProviderServer();
  });
  afterAll(() => server.close());
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
