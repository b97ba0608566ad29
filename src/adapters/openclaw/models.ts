/** Models as the gateway has them configured. */

import type { Config, ModelChoice } from "../../config.ts";
import { InprocessError } from "../../errors.ts";
import type { Host } from "../../host.ts";
import type { ResolvedModel } from "../../types.ts";
import { modelsFromConfig } from "../models/models-from-config.ts";
import type { HostConfig, HostRuntime } from "./api.ts";

/** For the engine `pi`: described from the configuration, the key from the gateway's own credentials. */
export function servedModels(api: HostRuntime, raw: () => HostConfig, config: Config): Host["resolveModel"] {
  return modelsFromConfig(config, {
    keyOf: async (provider) => {
      // What isn't known to the gateway may still be known to the configuration or the environment.
      const found = await api.modelAuth.resolveApiKeyForProvider({ provider, cfg: raw() }).catch(() => undefined);
      return found?.apiKey || undefined;
    },
  });
}

/**
 * For the host's own runner, which finds address and credentials itself: names only, and no key leaves the gateway's
 * own hands.
 */
export function namedModels(config: Config): Host["resolveModel"] {
  return async (ref, agentId) => {
    const choice = config.agents.list[agentId]?.model ?? config.agents.defaults.model;
    const wanted = ref?.trim() || choice?.primary;
    if (wanted === undefined) {
      throw new InprocessError(
        "model_unusable",
        "No model is chosen: name one as provider/id, or set agents.defaults.model.primary in OpenClaw's configuration.",
      );
    }
    const model = named(wanted, config);
    const chosen = choices(config, agentId).find((candidate) => candidate?.primary === wanted) ?? choice;
    const fallbacks = (chosen?.fallbacks ?? []).map((fallback) => named(fallback, config));
    return fallbacks.length === 0 ? model : { ...model, fallbacks };
  };
}

function choices(config: Config, agentId: string): (ModelChoice | undefined)[] {
  const agent = config.agents.list[agentId];
  const { defaults } = config.agents;
  return [agent?.subagents.model, defaults.subagents.model, agent?.model, defaults.model];
}

function named(ref: string, config: Config): ResolvedModel {
  const full = config.agents.defaults.modelAliases[ref.toLowerCase()] ?? ref;
  const slash = full.indexOf("/");
  const provider = slash > 0 ? full.slice(0, slash) : defaultProvider(config);
  if (provider === undefined) {
    throw new InprocessError("model_unusable", `The model "${ref}" names no provider; write it as provider/id.`);
  }
  return {
    provider,
    id: slash > 0 ? full.slice(slash + 1) : full,
    api: "",
    baseUrl: "",
    contextWindow: 0,
    maxTokens: 0,
    input: ["text"],
    reasoning: false,
  };
}

function defaultProvider(config: Config): string | undefined {
  return config.agents.defaults.model?.primary?.split("/")[0];
}
