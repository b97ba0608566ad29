import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { extractProviders } from "../../scripts/extract-providers.ts";
import { providerCatalog } from "../../src/adapters/models/provider-catalog.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "oi-providers-"));
  await extractProviders(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

it("writes an index and one file a provider", async () => {
  const index = await providerCatalog(join(dir, "providers")).index();
  const files = (await readdir(join(dir, "providers"))).sort();
  expect(files).toEqual([...index.map((entry) => `${entry.id}.json`), "index.json"].sort());
  expect(index.map((entry) => entry.id)).toEqual(expect.arrayContaining(["openai", "anthropic", "google", "groq"]));
});

it("names the variables of a key in the order they are looked at", async () => {
  const index = await providerCatalog(join(dir, "providers")).index();
  const env = Object.fromEntries(index.map((entry) => [entry.id, entry.env]));
  expect(env).toMatchObject({
    openai: ["OPENAI_API_KEY"],
    anthropic: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_OAUTH_TOKEN"],
    google: ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    "openai-codex": [],
  });
});

it("has for every model what a run must know", async () => {
  const catalog = providerCatalog(join(dir, "providers"));
  for (const { id, models } of await catalog.index()) {
    const provider = await catalog.provider(id);
    expect([id, Object.keys(provider!.models)]).toEqual([id, models]);
    for (const model of Object.values(provider!.models)) {
      expect(provider!.apis).toContain(model.api);
      expect(model.contextWindow).toBeGreaterThan(0);
      expect(model.maxTokens).toBeGreaterThan(0);
      expect(typeof model.cost.input).toBe("number");
    }
  }
});

it("doesn't read a provider's file for a name that isn't one", async () => {
  expect(await providerCatalog(join(dir, "providers")).provider("../package")).toBeUndefined();
});
