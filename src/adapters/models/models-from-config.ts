/** Models for hosts whose models are in a config. */

import type { Config, ModelChoice } from "../../config.ts";
import type { Env } from "../../config/env.ts";
import { InprocessError, isInprocessError } from "../../errors.ts";
import type { Host } from "../../host.ts";
import type { ResolvedModel } from "../../types.ts";
import { keyFor } from "./credentials.ts";
import { DEMO_MODEL, DEMO_REF } from "./demo-model.ts";
import { describeModel } from "./describe-model.ts";
import { findModel, type Found } from "./find-model.ts";
import { providerCatalog, type CatalogEntry, type ProviderCatalog } from "./provider-catalog.ts";

/**
 * Resolves `provider/id`, an alias or an id alone: `models.providers` first, over the built-in catalogue unless
 * `models.mode` is `replace`. Without a ref, the agent's model, else the default one. Keys and variables are read
 * anew at every call. A fallback that can't be used is left out; a model that can't be used rejects with `model_unusable`.
 * @param options.env the variables keys are looked for in, over those of the config. @default process.env
 * @param options.keyOf a gateway's own way to a provider's key, asked first
 */
export function modelsFromConfig(config: Config, options: ModelOptions = {}): Host["resolveModel"] {
  return modelsFromCatalog(config, providerCatalog(), options);
}

type ModelOptions = { env?: Env; keyOf?: (provider: string) => Promise<string | undefined> };

/** The same over a catalogue of the caller's. */
export function modelsFromCatalog(
  config: Config,
  catalog: ProviderCatalog,
  options: ModelOptions = {},
): Host["resolveModel"] {
  return async (ref, agentId, call) => {
    call?.signal?.throwIfAborted();
    const env = merged(config.env, options.env ?? process.env);
    const index = config.models.mode === "merge" ? await catalog.index() : [];
    const find = (name: string) => findModel(name.trim(), config, index, (entry) => hasKey(entry, config, env));
    const describe = async (name: string): Promise<ResolvedModel> => {
      const found = find(name);
      if (`${found.provider}/${found.id}` === DEMO_REF) return DEMO_MODEL;
      const builtIn = config.models.mode === "merge" ? await catalog.provider(found.provider) : undefined;
      return describeModel(found, config, builtIn, env, await options.keyOf?.(found.provider));
    };

    const wanted = ref?.trim() || primaryFor(config, agentId);
    const model = await describe(wanted);
    const fallbacks = await usable(fallbacksFor(wanted, model, config, agentId, find), describe, model);
    return fallbacks.length === 0 ? model : { ...model, fallbacks };
  };
}

function primaryFor(config: Config, agentId: string): string {
  const primary = config.agents.list[agentId]?.model?.primary ?? config.agents.defaults.model?.primary;
  if (primary !== undefined) return primary;
  throw new InprocessError(
    "model_unusable",
    "No model is chosen: name one as provider/id, or set agents.defaults.model in the config.",
  );
}

/** Those of the first choice in the config that begins with this model. */
function fallbacksFor(
  ref: string,
  model: ResolvedModel,
  config: Config,
  agentId: string,
  find: (name: string) => Found,
): string[] {
  const { list, defaults } = config.agents;
  const agent = list[agentId];
  const choices: (ModelChoice | undefined)[] = [
    agent?.model,
    agent?.subagents.model,
    defaults.subagents.model,
    defaults.model,
  ];
  const chosen = choices.find((choice) => {
    if (choice?.primary === undefined) return false;
    if (choice.primary === ref) return true;
    try {
      const found = find(choice.primary);
      return found.provider === model.provider && found.id.toLowerCase() === model.id.toLowerCase();
    } catch {
      return false;
    }
  });
  return chosen?.fallbacks ?? [];
}

async function usable(
  refs: readonly string[],
  describe: (ref: string) => Promise<ResolvedModel>,
  primary: ResolvedModel,
): Promise<ResolvedModel[]> {
  const resolved = await Promise.all(
    refs.map((ref) =>
      describe(ref).catch((error: unknown) => {
        if (isInprocessError(error) && error.code === "model_unusable") return undefined;
        throw error;
      }),
    ),
  );
  const seen = new Set([`${primary.provider}/${primary.id}`]);
  return resolved.filter((model): model is ResolvedModel => {
    if (model === undefined || seen.has(`${model.provider}/${model.id}`)) return false;
    seen.add(`${model.provider}/${model.id}`);
    return true;
  });
}

function hasKey(entry: CatalogEntry, config: Config, env: Env): boolean {
  try {
    return keyFor(entry.id, entry.id, config.models.providers[entry.id], entry.env, env) !== undefined;
  } catch {
    return false;
  }
}

/** A variable of the process that is set wins. */
function merged(inline: Env, env: Env): Env {
  return { ...inline, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value)) };
}
