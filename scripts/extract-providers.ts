/**
 * What the host must know of model providers, taken out of pi-ai at build time, so that no provider code is loaded in
 * the gateway: addresses, key variables and models, one small JSON file a provider.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Api, Model, Provider } from "@earendil-works/pi-ai";
import { findEnvKeys } from "@earendil-works/pi-ai/compat";
import { builtinProviders, getBuiltinModels, getBuiltinProviders } from "@earendil-works/pi-ai/providers/all";

/** Writes `<distDir>/providers/<provider>.json` and `index.json`. */
export async function extractProviders(distDir: string): Promise<void> {
  const dir = join(distDir, "providers");
  await mkdir(dir, { recursive: true });
  const providers = builtinProviders().map(providerFile);
  const index = providers.map(({ id, name, env, models }) => ({ id, name, env, models: Object.keys(models) }));
  await Promise.all([
    ...providers.map((provider) => writeFile(join(dir, `${provider.id}.json`), JSON.stringify(provider))),
    writeFile(join(dir, "index.json"), JSON.stringify(index)),
  ]);
}

function providerFile(provider: Provider) {
  const id = getBuiltinProviders().find((known) => known === provider.id);
  const models = id === undefined ? [] : getBuiltinModels(id);
  return {
    id: provider.id,
    name: provider.name,
    ...(provider.baseUrl !== undefined && { baseUrl: provider.baseUrl }),
    apis: [...new Set(models.map((model) => model.api))],
    env: keyVariables(provider.id),
    models: Object.fromEntries(models.map((model) => [model.id, compact(model)])),
  };
}

/** The variables a provider's key is looked for in, first one first. */
function keyVariables(provider: string): string[] {
  // With every variable set, pi names all it would look at.
  const everythingSet = new Proxy<Record<string, string>>({}, { get: () => "set" });
  const names = findEnvKeys(provider, everythingSet) ?? [];
  // OpenClaw reads Anthropic's plain API key before the tokens.
  const keysFirst = [
    ...names.filter((name) => name.endsWith("_API_KEY")),
    ...names.filter((name) => !name.endsWith("_API_KEY")),
  ];
  return [...keysFirst, ...(OPENCLAW_VARIABLES[provider] ?? [])];
}

function compact(model: Model<Api>) {
  const { api, baseUrl, reasoning, input, cost, contextWindow, maxTokens, headers, compat, thinkingLevelMap } = model;
  return { api, baseUrl, reasoning, input, cost, contextWindow, maxTokens, headers, compat, thinkingLevelMap };
}

/** Variables OpenClaw documents beside pi's. */
const OPENCLAW_VARIABLES: Record<string, string[]> = {
  google: ["GOOGLE_API_KEY"],
  huggingface: ["HUGGINGFACE_HUB_TOKEN"],
  "kimi-coding": ["KIMICODE_API_KEY"],
  opencode: ["OPENCODE_ZEN_API_KEY"],
  "opencode-go": ["OPENCODE_ZEN_API_KEY"],
};
