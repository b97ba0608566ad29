import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { extractProviders } from "../../../scripts/extract-providers.ts";
import { DEMO_MODEL } from "../../../src/adapters/models/demo-model.ts";
import { SPOKEN_APIS } from "../../../src/adapters/models/model-server.ts";
import { modelsFromCatalog } from "../../../src/adapters/models/models-from-config.ts";
import { providerCatalog } from "../../../src/adapters/models/provider-catalog.ts";
import { parseConfig } from "../../../src/config.ts";
import { InprocessError } from "../../../src/errors.ts";
import type { ResolvedModel } from "../../../src/types.ts";
import { PROVIDER_APIS } from "../../../src/worker/engines/provider-apis.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "oi-models-"));
  await extractProviders(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const LOCAL = { baseUrl: "http://127.0.0.1:9/v1", models: [{ id: "small" }, { id: "Large/70B", contextWindow: 8000 }] };

describe("a provider of the built-in catalogue", () => {
  it.each([
    ["openai/gpt-5.2", { OPENAI_API_KEY: "k" }, { api: "openai-responses", baseUrl: "https://api.openai.com/v1" }],
    ["anthropic/claude-opus-4-6", { ANTHROPIC_API_KEY: "k" }, { api: "anthropic-messages" }],
    ["google/gemini-2.5-pro", { GEMINI_API_KEY: "k" }, { api: "google-generative-ai" }],
    ["google/gemini-2.5-pro", { GOOGLE_API_KEY: "k" }, { provider: "google" }],
    ["Z.AI/glm-4.7", { ZAI_API_KEY: "k" }, { provider: "zai" }],
    ["openrouter/anthropic/claude-sonnet-4.5", { OPENROUTER_API_KEY: "k" }, { id: "anthropic/claude-sonnet-4.5" }],
    ["OpenAI/GPT-5.2", { OPENAI_API_KEY: "k" }, { provider: "openai", id: "gpt-5.2" }],
  ])("takes its usual variable: %s with %j", async (ref, env, expected) => {
    const model = await resolve({}, ref, env);
    expect(model).toMatchObject({ apiKey: "k", ...expected });
    expect(model.contextWindow).toBeGreaterThan(8000);
    expect(model.cost?.output).toBeGreaterThanOrEqual(0);
    expect(SPOKEN_APIS).toContain(model.api);
  });

  it("sends ANTHROPIC_AUTH_TOKEN as a bearer header and no key", async () => {
    const model = await resolve({}, "anthropic/claude-opus-4-6", { ANTHROPIC_AUTH_TOKEN: "t" });
    expect(model.headers).toEqual({ Authorization: "Bearer t" });
    expect(model.apiKey).toBeUndefined();
  });

  it.each([
    ["openai/gpt-5.2", "openai/gpt-5.2", "set OPENAI_API_KEY"],
    ["anthropic/claude-opus-4-6", "anthropic/claude-opus-4-6", "set ANTHROPIC_API_KEY"],
    ["groq/llama-3.3-70b-versatile", "groq", "set GROQ_API_KEY"],
    ["openai-codex/gpt-5.3-codex-spark", "openai-codex", "isn't supported here; use openai/<model>"],
    ["github-copilot/gpt-5.4", "github-copilot", "set COPILOT_GITHUB_TOKEN"],
    ["amazon-bedrock/amazon.nova-pro-v1:0", "amazon-bedrock", "AWS_ACCESS_KEY_ID"],
    ["google-vertex/gemini-2.5-pro", "google-vertex", "GOOGLE_CLOUD_PROJECT"],
    ["azure-openai-responses/gpt-5", "azure-openai-responses", "AZURE_OPENAI"],
    ["cloudflare-workers-ai/@cf/openai/gpt-oss-120b", "cloudflare", "CLOUDFLARE_ACCOUNT_ID"],
    ["radius/cheap", "radius", "isn't supported here"],
  ])("says which variable is missing, or that it isn't supported: %s", async (ref, name, advice) => {
    const message = await refusal({}, ref, { GOOGLE_APPLICATION_CREDENTIALS: join(dir, "none.json") });
    expect(message).toContain(name);
    expect(message).toContain(advice);
    expect(message).not.toContain("\n");
  });

  it.each([
    ["openai/gpt-9", "openai", "gpt-5"],
    ["anthropic/claude-opus-99", "anthropic", "claude-opus-4"],
    ["amazon-bedrock/amazon.nova-prox-v1:0", "amazon-bedrock", "amazon.nova-pro-v1:0"],
  ])("refuses a model it doesn't list, before it looks for a key: %s", async (ref, provider, near) => {
    const message = await refusal({}, ref, {});
    expect(message).toContain(`The model "${ref}" can't be used: `);
    expect(message).toMatch(/the nearest are /u);
    expect(message).toContain(near);
    expect(message).toContain(`under models.providers.${provider}.models in a config, or reach it with --base-url.`);
    expect(message).not.toMatch(/key|[A-Z]_[A-Z]|\n/u);
    expect(await refusal({}, ref, { OPENAI_API_KEY: "k", ANTHROPIC_API_KEY: "k" })).toBe(message);
  });

  it("takes a model the config adds, with the nearest one's protocol, careful limits and no price", async () => {
    const config = (provider: string) => ({
      models: { providers: { [provider]: { models: [{ id: "claude-opus-99" }] } } },
    });
    const model = await resolve(config("anthropic"), "anthropic/claude-opus-99", { ANTHROPIC_API_KEY: "k" });
    expect(model).toMatchObject({
      id: "claude-opus-99",
      api: "anthropic-messages",
      baseUrl: "https://api.anthropic.com",
    });
    expect(model.contextWindow).toBeLessThanOrEqual(200_000);
    expect(model.maxTokens).toBeLessThanOrEqual(8192);
    expect(model.cost).toBeUndefined();
    const mixed = await resolve(config("opencode"), "opencode/claude-opus-99", { OPENCODE_API_KEY: "k" });
    expect(mixed.api).toBe("anthropic-messages");
    expect(await refusal(config("anthropic"), "anthropic/claude-opus-9", {})).toContain("claude-opus-99");
  });

  it("takes any model at another address when the config lists none", async () => {
    const config = { models: { providers: { openai: { baseUrl: "http://127.0.0.1:9/v1" } } } };
    expect(await resolve(config, "openai/gpt-9", {})).toMatchObject({ id: "gpt-9", apiKey: "no-key-needed" });
  });

  it("passes on what special providers read by name, and nothing else", async () => {
    const env = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1", OTHER: "x" };
    const bedrock = await resolve({}, "bedrock/amazon.nova-pro-v1:0", env);
    expect(bedrock.env).toEqual({ AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1" });
    expect(bedrock.apiKey).toBeUndefined();

    const workers = await resolve({}, "cloudflare-workers-ai/@cf/openai/gpt-oss-120b", {
      CLOUDFLARE_API_KEY: "k",
      CLOUDFLARE_ACCOUNT_ID: "acc",
    });
    expect(workers.baseUrl).toBe("https://api.cloudflare.com/client/v4/accounts/acc/ai/v1");

    const credentials = join(dir, "adc.json");
    await writeFile(credentials, "{}");
    const google = {
      GOOGLE_CLOUD_PROJECT: "p",
      GOOGLE_CLOUD_LOCATION: "us-central1",
      GOOGLE_APPLICATION_CREDENTIALS: credentials,
    };
    expect((await resolve({}, "google-vertex/gemini-2.5-pro", google)).env).toEqual(google);

    const azure = await resolve({}, "azure-openai-responses/gpt-5", {
      AZURE_OPENAI_API_KEY: "k",
      AZURE_OPENAI_RESOURCE_NAME: "r",
    });
    expect(azure).toMatchObject({ apiKey: "k", env: { AZURE_OPENAI_RESOURCE_NAME: "r" } });
  });

  it("can be every one of those pi-ai lists, each with a spoken protocol or a clear refusal", async () => {
    for (const { id, models } of await providerCatalog(join(dir, "providers")).index()) {
      const env = Object.fromEntries([...VARIABLES, ...(await variables(id))].map((name) => [name, "v"]));
      const ref = `${id}/${models[0]}`;
      const model = await resolve({}, ref, env).catch((error: unknown) => error);
      if (model instanceof InprocessError) expect(model.message).toMatch(/isn't supported here/);
      else expect([ref, SPOKEN_APIS.includes((model as ResolvedModel).api)]).toEqual([ref, true]);
    }
  });
});

it("names the protocols the worker speaks", () => {
  expect([...SPOKEN_APIS].sort()).toEqual([...PROVIDER_APIS].sort());
});

describe("a provider of the config", () => {
  it("needs nothing but an address, and gets OpenClaw's defaults", async () => {
    const model = await resolve({ models: { providers: { box: LOCAL } } }, "box/small", {});
    expect(model).toEqual({
      provider: "box",
      id: "small",
      api: "openai-completions",
      baseUrl: "http://127.0.0.1:9/v1",
      apiKey: "no-key-needed",
      contextWindow: 200_000,
      maxTokens: 8192,
      input: ["text"],
      reasoning: false,
      compat: { supportsStore: false, maxTokensField: "max_tokens", supportsDeveloperRole: false },
    });
  });

  it("may say everything itself", async () => {
    const model = {
      id: "m",
      api: "anthropic-messages",
      reasoning: true,
      input: ["text", "image"],
      cost: { input: 1, output: 2 },
      contextWindow: 64_000,
      contextTokens: 32_000,
      maxTokens: 4000,
      headers: { "x-model": "${M}" },
      compat: { supportsStrictTools: false },
    };
    const provider = {
      baseUrl: "https://proxy.test/v1",
      apiKey: "${K}",
      headers: { "x-all": { source: "env", id: "A" } },
      models: [model],
    };
    expect(
      await resolve({ models: { providers: { Proxy: provider } } }, "proxy/m", { K: "key", M: "1", A: "2" }),
    ).toEqual({
      provider: "proxy",
      id: "m",
      api: "anthropic-messages",
      baseUrl: "https://proxy.test",
      apiKey: "key",
      headers: { "x-all": "2", "x-model": "1" },
      contextWindow: 32_000,
      maxTokens: 4000,
      input: ["text", "image"],
      reasoning: true,
      cost: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0 },
      compat: { supportsStrictTools: false },
    });
  });

  it.each([
    ["a literal", "sk-123", {}, "sk-123"],
    ["a variable's name", "LITELLM_KEY", { LITELLM_KEY: "real" }, "real"],
    ["a name that isn't set, on a local server", "LITELLM_KEY", {}, "LITELLM_KEY"],
    ["a reference", { source: "env", provider: "default", id: "K" }, { K: "real" }, "real"],
    ["its own variable", undefined, { MY_BOX_API_KEY: "real" }, "real"],
  ])("has its key as %s", async (_what, apiKey, env, key) => {
    const config = { models: { providers: { "my-box": { ...LOCAL, apiKey } } } };
    expect((await resolve(config, "my-box/small", env)).apiKey).toBe(key);
  });

  it.each([
    [{ apiKey: "${NOPE}" }, "models.providers.box.apiKey needs the environment variable NOPE, which isn't set"],
    [{ baseUrl: "http://${NOPE}/v1" }, "models.providers.box.baseUrl needs the environment variable NOPE"],
    [{ headers: { x: "${NOPE}" } }, "models.providers.box.headers.x needs the environment variable NOPE"],
    [
      { apiKey: { source: "exec", provider: "vault", id: "a/b" } },
      'models.providers.box.apiKey refers to a secret kept elsewhere (source "exec", id "a/b")',
    ],
    [
      { apiKey: "BOX_API_KEY", baseUrl: "https://box.test/v1" },
      "names the environment variable BOX_API_KEY, which isn't set",
    ],
    [{ baseUrl: "box.test" }, 'models.providers.box.baseUrl is "box.test"; it must be an http or https URL'],
    [{ baseUrl: undefined }, "models.providers.box has no baseUrl"],
    [
      { baseUrl: "http://user:pa55@h/v1" },
      "models.providers.box.baseUrl has a user name or password in it, which aren't used; take them out and set models.providers.box.apiKey.",
    ],
    [{ api: "smoke-signals" }, 'its api "smoke-signals" isn\'t one this package speaks'],
  ])("is refused only when used, by the path at fault: %j", async (change, message) => {
    const config = { models: { providers: { box: { ...LOCAL, ...change }, ok: LOCAL } } };
    const refused = await refusal(config, "box/small", {});
    expect(refused).toContain(message);
    expect(refused).not.toContain("pa55");
    expect((await resolve(config, "ok/small", {})).provider).toBe("ok");
  });

  it("names the nearest of its models", async () => {
    const message = await refusal({ models: { providers: { box: LOCAL } } }, "box/smal", {});
    expect(message).toContain("models.providers.box doesn't list it; it has small");
  });

  it("takes any model when it lists none", async () => {
    expect((await resolve({ models: { providers: { box: { baseUrl: "http://h/v1" } } } }, "box/any", {})).id).toBe(
      "any",
    );
  });

  it("is laid over the catalogue's", async () => {
    const config = {
      models: {
        providers: { openai: { baseUrl: "http://localhost:1/v1", models: [{ id: "gpt-5.2", maxTokens: 5 }] } },
      },
    };
    expect(await resolve(config, "openai/gpt-5.2", {})).toMatchObject({
      api: "openai-responses",
      baseUrl: "http://localhost:1/v1",
      apiKey: "no-key-needed",
      maxTokens: 5,
      reasoning: true,
    });
    expect((await resolve(config, "openai/gpt-5.1", { OPENAI_API_KEY: "k" })).apiKey).toBe("k");
    const proxied = {
      models: { providers: { anthropic: { baseUrl: "http://localhost:1", apiKey: "k", authHeader: true } } },
    };
    expect((await resolve(proxied, "anthropic/claude-opus-4-6", {})).headers).toEqual({ Authorization: "Bearer k" });
  });

  it("stands alone when models.mode is replace", async () => {
    const config = { models: { mode: "replace", providers: { box: LOCAL } } };
    expect(await refusal(config, "openai/gpt-5.2", { OPENAI_API_KEY: "k" })).toContain('there is no provider "openai"');
    expect((await resolve(config, "box/small", {})).provider).toBe("box");
  });

  it("that speaks Ollama's own protocol is reached over the OpenAI one beside it", async () => {
    const config = { models: { providers: { ollama: { baseUrl: "http://h:11434", api: "ollama" } } } };
    expect(await resolve(config, "ollama/llama3.3", {})).toMatchObject({
      api: "openai-completions",
      baseUrl: "http://h:11434/v1",
    });
    expect((await resolve({}, "ollama/llama3.3", {})).baseUrl).toBe("http://127.0.0.1:11434/v1");
  });
});

describe("a ref", () => {
  const config = {
    models: { providers: { box: LOCAL, other: { baseUrl: "http://h/v1", models: [{ id: "small" }, { id: "only" }] } } },
    agents: { defaults: { model: "box/small", models: { "box/Large/70B": { alias: "Big" } } } },
  };
  it.each([
    ["small", "box", "small"],
    ["only", "other", "only"],
    ["large/70b", "box", "Large/70B"],
    ["big", "box", "Large/70B"],
    [" box/small ", "box", "small"],
  ])("without a provider means the default one's model, or the only one's: %s", async (ref, provider, id) => {
    expect(await resolve(config, ref, {})).toMatchObject({ provider, id });
  });

  it("alone goes to the one provider with a key, else asks which", async () => {
    expect((await resolve({}, "gpt-5.2", { OPENAI_API_KEY: "k" })).provider).toBe("openai");
    expect(await refusal({}, "gpt-5.2", {})).toMatch(/it is offered by .*openai.*; name one of them/);
    expect(await refusal({}, "gpt-nonsense", {})).toMatch(
      /no provider offers it; write it as provider\/id, such as .*gpt-/,
    );
  });

  it("to an unknown provider names the nearest", async () => {
    expect(await refusal({}, "antropic/claude-opus-4-6", {})).toContain(
      'there is no provider "antropic" (did you mean "anthropic"?)',
    );
    expect(await refusal({}, "nonesuch/x", {})).toContain("configure it under models.providers.nonesuch");
  });

  it("to the demo always resolves", async () => {
    expect(await resolve({ models: { mode: "replace" } }, "demo/scripted", {})).toEqual(DEMO_MODEL);
    expect(await resolve({ agents: { defaults: { model: "demo/scripted" } } }, undefined, {})).toEqual(DEMO_MODEL);
  });

  it("to another model of the demo is told there is only one", async () => {
    expect(await refusal({}, "demo/other", {})).toBe(
      'The model "demo/other" can\'t be used: the demo provider has only demo/scripted; use that one.',
    );
  });

  it("must be there somewhere", async () => {
    expect(await refusal({}, undefined, {})).toBe(
      "No model is chosen: name one as provider/id, or set agents.defaults.model in the config.",
    );
  });
});

describe("fallbacks", () => {
  const config = {
    models: { providers: { box: { baseUrl: "http://h/v1" } } },
    agents: {
      defaults: {
        model: { primary: "box/a", fallbacks: ["box/b", "openai/gpt-5.2", "box/a", "box/b", "nonesuch/x", "box/c"] },
        subagents: { model: { primary: "box/s", fallbacks: ["box/t"] } },
      },
      list: [
        { id: "main" },
        { id: "strict", model: "box/a" },
        { id: "own", model: { primary: "box/o", fallbacks: ["box/p"] } },
      ],
    },
  };
  it.each([
    [undefined, "main", "a", ["b", "c"]],
    [undefined, "nobody", "a", ["b", "c"]],
    [undefined, "strict", "a", undefined],
    [undefined, "own", "o", ["p"]],
    ["box/a", "main", "a", ["b", "c"]],
    ["box/s", "main", "s", ["t"]],
    ["box/z", "main", "z", undefined],
  ])(
    "come from the choice the model heads, those that can be used, each once: %s for %s",
    async (ref, agent, id, fallbacks) => {
      const model = await resolve(config, ref, {}, agent);
      expect(model.id).toBe(id);
      expect(model.fallbacks?.map((fallback) => fallback.id)).toEqual(fallbacks);
    },
  );
});

it("reads variables anew at every call, the process's over the config's own", async () => {
  const env: Record<string, string> = {};
  const config = parseConfig({ env: { OPENAI_API_KEY: "inline" }, agents: { defaults: { model: "openai/gpt-5.2" } } });
  const resolveModel = modelsFromCatalog(config, providerCatalog(join(dir, "providers")), { env });
  expect((await resolveModel(undefined, "main")).apiKey).toBe("inline");
  env["OPENAI_API_KEY"] = "fresh";
  expect((await resolveModel(undefined, "main", { refresh: true })).apiKey).toBe("fresh");
  await expect(resolveModel(undefined, "main", { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});

it("says where the catalogue is missing", async () => {
  const resolveModel = modelsFromCatalog(parseConfig({}), providerCatalog(join(dir, "gone")), { env: {} });
  await expect(resolveModel("openai/gpt-5.2", "main")).rejects.toThrow(
    /catalogue of model providers can't be read at .*gone/,
  );
});

const VARIABLES = ["AWS_BEARER_TOKEN_BEDROCK", "CLOUDFLARE_ACCOUNT_ID", "AZURE_OPENAI_RESOURCE_NAME"];

async function variables(id: string): Promise<string[]> {
  return (await providerCatalog(join(dir, "providers")).provider(id))?.env ?? [];
}

it("a model may be silent as long as its own provider says, not the default model's", async () => {
  const provider = (timeoutSeconds?: number) => ({
    baseUrl: "http://127.0.0.1:1/v1",
    timeoutSeconds,
    models: [{ id: "m" }],
  });
  const raw = { agents: { defaults: { model: "a/m" } }, models: { providers: { a: provider(), b: provider(7) } } };
  expect((await resolve(raw, "b/m", {})).idleTimeoutSeconds).toBe(7);
  expect((await resolve(raw, "a/m", {})).idleTimeoutSeconds).toBeUndefined();
});

function resolve(raw: unknown, ref: string | undefined, env: Record<string, string>, agentId = "main") {
  const catalog = providerCatalog(join(dir, "providers"));
  return modelsFromCatalog(parseConfig(raw), catalog, { env })(ref, agentId);
}

async function refusal(raw: unknown, ref: string | undefined, env: Record<string, string>): Promise<string> {
  const error: unknown = await resolve(raw, ref, env).then(
    (model) => model,
    (reason: unknown) => reason,
  );
  if (error instanceof InprocessError && error.code === "model_unusable") return error.message;
  throw new Error(`expected a model_unusable error, not ${JSON.stringify(error)} ${String(error)}`);
}
