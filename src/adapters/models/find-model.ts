/** Which provider and model a ref means: `provider/id`, an alias, or an id alone. */

import type { Config } from "../../config.ts";
import { mostAlike, nearest } from "../../config/nearest-key.ts";
import { DEMO_MODEL, DEMO_REF } from "./demo-model.ts";
import { LOCAL_SERVERS } from "./model-server.ts";
import type { CatalogEntry } from "./provider-catalog.ts";
import { unusable } from "./unusable.ts";

export type Found = { provider: string; id: string };

/**
 * @param index the built-in catalogue; empty when the config replaces it
 * @param hasKey whether a provider of the catalogue has a key, to choose between several that offer the same id
 * @throws InprocessError `model_unusable` with the nearest names
 */
export function findModel(
  ref: string,
  config: Config,
  index: readonly CatalogEntry[],
  hasKey: (provider: CatalogEntry) => boolean,
): Found {
  const alias = config.agents.defaults.modelAliases[ref.toLowerCase()];
  const name = alias ?? ref;
  const known = providerNames(config, index);
  const written = split(name);
  if (written !== undefined && known.has(written.provider)) return written;
  if (written?.provider === DEMO_MODEL.provider && written.id === DEMO_MODEL.id) return written;

  const fallback = defaultProvider(config, known);
  const offering = providersOffering(name, config, index);
  if (fallback !== undefined && offering.includes(fallback)) return { provider: fallback, id: name };
  const configured = offering.filter((provider) => Object.hasOwn(config.models.providers, provider));
  if (configured.length === 1) return { provider: configured[0]!, id: name };
  const withKey = offering.filter((provider) => index.some((entry) => entry.id === provider && hasKey(entry)));
  const only = onlyOne(withKey) ?? onlyOne(offering);
  if (only !== undefined) return { provider: only, id: name };
  if (written !== undefined) throw unknownProvider(ref, written.provider, known);
  if (offering.length > 1) {
    throw unusable(ref, `it is offered by ${offering.join(", ")}; name one of them, as in "${offering[0]}/${name}"`);
  }
  if (fallback !== undefined) return { provider: fallback, id: name };
  const alike = mostAlike(
    name,
    index.flatMap((entry) => entry.models.map((id) => `${entry.id}/${id}`)),
    3,
  );
  throw unusable(ref, `no provider offers it; write it as provider/id, such as ${alike.join(", ") || "openai/…"}`);
}

/** Every provider there is by name. */
function providerNames(config: Config, index: readonly CatalogEntry[]): Set<string> {
  const local = config.models.mode === "merge" ? Object.keys(LOCAL_SERVERS) : [];
  return new Set([...Object.keys(config.models.providers), ...index.map((entry) => entry.id), ...local]);
}

/** The part before the first slash, its usual other names replaced. */
function split(name: string): Found | undefined {
  const slash = name.indexOf("/");
  if (slash <= 0 || slash === name.length - 1) return undefined;
  const provider = name.slice(0, slash).toLowerCase();
  return { provider: OTHER_NAMES[provider] ?? provider, id: name.slice(slash + 1) };
}

function defaultProvider(config: Config, known: Set<string>): string | undefined {
  const primary = config.agents.defaults.model?.primary;
  const provider = primary === undefined ? undefined : split(primary)?.provider;
  return provider !== undefined && known.has(provider) ? provider : undefined;
}

function providersOffering(id: string, config: Config, index: readonly CatalogEntry[]): string[] {
  const wanted = id.toLowerCase();
  const configured = Object.entries(config.models.providers)
    .filter(([, provider]) => provider.models.some((model) => model.id.toLowerCase() === wanted))
    .map(([provider]) => provider);
  const builtIn = index.filter((entry) => entry.models.some((model) => model.toLowerCase() === wanted));
  return [...new Set([...configured, ...builtIn.map((entry) => entry.id)])];
}

function unknownProvider(ref: string, provider: string, known: Set<string>) {
  if (provider === DEMO_MODEL.provider) return unusable(ref, `the demo provider has only ${DEMO_REF}; use that one`);
  const meant = nearest(provider, known);
  const hint = meant === undefined ? "" : ` (did you mean "${meant}"?)`;
  return unusable(
    ref,
    `there is no provider "${provider}"${hint}; configure it under models.providers.${provider}, or use one of the built-in ones such as ${mostAlike(provider, known, 3).join(", ")}`,
  );
}

function onlyOne(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}

const OTHER_NAMES: Record<string, string> = {
  "z.ai": "zai",
  "z-ai": "zai",
  moonshot: "moonshotai",
  bedrock: "amazon-bedrock",
};
