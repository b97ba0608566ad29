/** A model with all the worker needs to reach it: the config's word first, then the built-in catalogue's, then defaults. */

import type { Config, ProviderConfig, ProviderModelConfig } from "../../config.ts";
import { mostAlike } from "../../config/nearest-key.ts";
import type { Env } from "../../config/env.ts";
import type { ResolvedModel } from "../../types.ts";
import { headersOf, keyFor, ownVariable, secretText } from "./credentials.ts";
import type { Found } from "./find-model.ts";
import { compatFor, holdsCredentials, hostOf, LOCAL_SERVERS, serverOf, SPOKEN_APIS } from "./model-server.ts";
import type { CatalogModel, CatalogProvider } from "./provider-catalog.ts";
import { specialAccess, type SpecialAccess } from "./special-providers.ts";
import { unusable } from "./unusable.ts";

/**
 * @param gatewayKey the provider's key where a gateway keeps it; else it is looked for in config and variables
 * @throws InprocessError `model_unusable`
 */
export async function describeModel(
  { provider, id: wanted }: Found,
  config: Config,
  catalog: CatalogProvider | undefined,
  env: Env,
  gatewayKey?: string,
): Promise<ResolvedModel> {
  const ref = `${provider}/${wanted}`;
  const configured = config.models.providers[provider];
  const own = configured?.models.find((model) => model.id.toLowerCase() === wanted.toLowerCase());
  const listed = listedIn(catalog, wanted);
  if (own === undefined && listed === undefined && !takesAnyModel(configured, catalog)) {
    throw unknownModel(ref, provider, configured, catalog);
  }
  const likest = listed?.model ?? sibling(catalog, wanted);
  const { api, baseUrl, foreign } = addressOf(ref, provider, configured, own, catalog, likest, env);
  const access = await accessOf(ref, provider, configured, catalog, { api, foreign }, env, gatewayKey);
  const headers = {
    ...(foreign ? {} : likest?.headers),
    ...headersOf(ref, `models.providers.${provider}`, configured?.headers, env),
    ...headersOf(ref, `models.providers.${provider}.models`, own?.headers, env),
    ...access.headers,
  };
  const compat = compatFor(
    api,
    baseUrl,
    foreign,
    own?.compat || likest?.compat ? { ...likest?.compat, ...own?.compat } : undefined,
  );
  const limits = limitsOf(own, listed?.model, likest);
  const cost = own?.cost ?? listed?.model.cost;
  return {
    provider,
    id: own?.id ?? listed?.id ?? wanted,
    api,
    baseUrl: baseUrl.replace(/\{([A-Z_]+)\}/g, (whole, name: string) => access.env?.[name] ?? whole),
    ...(access.apiKey !== undefined && { apiKey: access.apiKey }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(configured?.timeoutSeconds !== undefined && { idleTimeoutSeconds: configured.timeoutSeconds }),
    ...limits,
    input: own?.input ?? likest?.input ?? ["text"],
    reasoning: own?.reasoning ?? likest?.reasoning ?? false,
    ...(cost && { cost }),
    ...(compat && { compat }),
    ...(likest?.thinkingLevelMap && { thinkingLevelMap: likest.thinkingLevelMap }),
    ...(access.env && Object.keys(access.env).length > 0 && { env: access.env }),
  };
}

/** `foreign`: another server than the one the catalogue names for this provider. */
function addressOf(
  ref: string,
  provider: string,
  configured: ProviderConfig | undefined,
  own: ProviderModelConfig | undefined,
  catalog: CatalogProvider | undefined,
  likest: CatalogModel | undefined,
  env: Env,
): { api: string; baseUrl: string; foreign: boolean } {
  const path = `models.providers.${provider}`;
  const usual = likest?.baseUrl ?? catalog?.baseUrl;
  const given = configured?.baseUrl && secretText(ref, `${path}.baseUrl`, configured.baseUrl, env);
  if (given !== undefined && holdsCredentials(given)) {
    throw unusable(
      ref,
      `${path}.baseUrl has a user name or password in it, which aren't used; take them out and set ${path}.apiKey`,
    );
  }
  const address = given ?? usual ?? LOCAL_SERVERS[provider];
  if (address === undefined) throw unusable(ref, `${path} has no baseUrl; set it to the address of its server`);
  const foreign = usual === undefined || hostOf(address) !== hostOf(usual);
  const written = own?.api ?? configured?.api ?? likest?.api ?? catalog?.apis[0] ?? "openai-completions";
  const { api, baseUrl } = serverOf(written, address);
  if (!SPOKEN_APIS.includes(api) && foreign) {
    throw unusable(
      ref,
      `its api "${api}" isn't one this package speaks; set ${path}.api to one of ${SPOKEN_APIS.join(", ")}`,
    );
  }
  if (given !== undefined && hostOf(given) === undefined) {
    throw unusable(ref, `${path}.baseUrl is "${given}"; it must be an http or https URL`);
  }
  if (baseUrl === "" && !env["AZURE_OPENAI_BASE_URL"] && !env["AZURE_OPENAI_RESOURCE_NAME"]) {
    throw unusable(ref, `set AZURE_OPENAI_BASE_URL or AZURE_OPENAI_RESOURCE_NAME, or ${path}.baseUrl`);
  }
  return { api, baseUrl, foreign };
}

async function accessOf(
  ref: string,
  provider: string,
  configured: ProviderConfig | undefined,
  catalog: CatalogProvider | undefined,
  { api, foreign }: { api: string; foreign: boolean },
  env: Env,
  gatewayKey: string | undefined,
): Promise<Exclude<SpecialAccess, { refused: string }>> {
  const variables = catalog?.env ?? [];
  const key = gatewayKey ?? keyFor(ref, provider, configured, variables, env);
  // Everywhere but at Anthropic's protocol a key travels in that header anyway.
  if (key !== undefined && configured?.authHeader && api === "anthropic-messages")
    return { headers: { Authorization: `Bearer ${key}` } };
  const special = catalog && (await specialAccess(provider, key, env));
  if (special && !("refused" in special)) return special;
  if (foreign) return { apiKey: key ?? NO_KEY };
  if (special) throw unusable(ref, special.refused);
  if (key !== undefined) return { apiKey: key };
  const name = variables[0] ?? ownVariable(provider);
  throw unusable(
    ref,
    `there is no key for ${catalog?.name ?? provider}; set ${name}, or models.providers.${provider}.apiKey`,
  );
}

function limitsOf(
  own: ProviderModelConfig | undefined,
  listed: CatalogModel | undefined,
  likest: CatalogModel | undefined,
) {
  const contextWindow =
    own?.contextWindow ?? listed?.contextWindow ?? Math.min(likest?.contextWindow ?? Infinity, UNLISTED.contextWindow);
  return {
    contextWindow: Math.min(contextWindow, own?.contextTokens ?? Infinity),
    maxTokens: own?.maxTokens ?? listed?.maxTokens ?? Math.min(likest?.maxTokens ?? Infinity, UNLISTED.maxTokens),
  };
}

function listedIn(catalog: CatalogProvider | undefined, id: string): { id: string; model: CatalogModel } | undefined {
  if (catalog === undefined) return undefined;
  const listed = Object.hasOwn(catalog.models, id)
    ? id
    : Object.keys(catalog.models).find((known) => known.toLowerCase() === id.toLowerCase());
  return listed === undefined ? undefined : { id: listed, model: catalog.models[listed]! };
}

/** A server of the config's own that names no models, or a local one, knows best what it has. */
function takesAnyModel(configured: ProviderConfig | undefined, catalog: CatalogProvider | undefined): boolean {
  if (configured && configured.models.length > 0) return false;
  return catalog === undefined || configured?.baseUrl !== undefined;
}

/** The listed model that one of the config's most likely resembles; its price is not assumed. */
function sibling(catalog: CatalogProvider | undefined, id: string): CatalogModel | undefined {
  const [likest] = mostAlike(id, Object.keys(catalog?.models ?? {}), 1);
  return likest === undefined ? undefined : catalog?.models[likest];
}

function unknownModel(
  ref: string,
  provider: string,
  configured: ProviderConfig | undefined,
  catalog: CatalogProvider | undefined,
) {
  const path = `models.providers.${provider}`;
  const known = [...(configured?.models.map((model) => model.id) ?? []), ...Object.keys(catalog?.models ?? {})];
  const alike = mostAlike(ref.slice(provider.length + 1), known, 3).join(", ");
  if (catalog === undefined) {
    return unusable(ref, `${path} doesn't list it; it has ${alike}; use one of them or add it to ${path}.models`);
  }
  return unusable(
    ref,
    `${catalog.name} isn't known to have it; the nearest are ${alike}; use one of them, or declare it under ${path}.models in a config, or reach it with --base-url`,
  );
}

/** A text where SDKs refuse to work without a key. */
export const NO_KEY = "no-key-needed";

/** OpenClaw's for models that don't say. */
export const UNLISTED = { contextWindow: 200_000, maxTokens: 8192 };
