/** Which model the main agent has, and where the models of all agents come from. */

import type { Config } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import type { Host } from "../../host.ts";
import { DEMO_REF } from "../models/demo-model.ts";
import { modelFromFlags } from "../models/model-from-flags.ts";
import { modelsFromConfig } from "../models/models-from-config.ts";
import type { RunFlags } from "./prepare-run.ts";

export type ChosenModel = {
  /** For the main session; undefined: what the config says for its agent. */
  ref?: string;
  /** `provider/id`, for people. */
  name: string;
  resolveModel: Host["resolveModel"];
  /** `implied`: nothing on the command line named a model. */
  demo?: "chosen" | "implied";
};

/**
 * `--model` and `--base-url` before the config before the demo. The model is looked up here once, so that an unknown
 * name or a missing key is known before anything has started.
 * @throws InprocessError `model_unusable`, or ConfigError for a config that names no model
 */
export async function chooseModel(flags: RunFlags, config: Config, env: NodeJS.ProcessEnv): Promise<ChosenModel> {
  const ref = refFrom(flags);
  const agentId = config.agents.defaultAgentId;
  const { list, defaults } = config.agents;
  if (ref === undefined && (list[agentId]?.model?.primary ?? defaults.model?.primary) === undefined) {
    const message = `names no model in ${flags.config}; put one there as "provider/id", or pass --model`;
    throw new ConfigError([{ path: "agents.defaults.model", message }]);
  }
  const resolveModel = resolverFor(ref, flags, config, env);
  const { provider, id } = await resolveModel(ref, agentId);
  const name = `${provider}/${id}`;
  const demo = name !== DEMO_REF ? undefined : flags.demo === true || flags.model !== undefined ? "chosen" : "implied";
  return { name, resolveModel, ...(ref === undefined ? {} : { ref }), ...(demo === undefined ? {} : { demo }) };
}

function refFrom(flags: RunFlags): string | undefined {
  if (flags.demo === true) return DEMO_REF;
  if (flags.model === undefined) return flags.config === undefined ? DEMO_REF : undefined;
  return flags.baseUrl === undefined ? flags.model : `${SERVER}/${flags.model}`;
}

/** An agent that the config gives no model of its own gets the one of the command line. */
function resolverFor(
  ref: string | undefined,
  flags: RunFlags,
  config: Config,
  env: NodeJS.ProcessEnv,
): Host["resolveModel"] {
  const { baseUrl, model, apiKeyEnv } = flags;
  const fromConfig = modelsFromConfig(config, { env });
  const fromFlags = () =>
    baseUrl === undefined || model === undefined
      ? undefined
      : modelFromFlags({ baseUrl, model, ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }) }, env);
  return async (asked, agentId, options) => {
    const own = agentId === config.agents.defaultAgentId ? undefined : config.agents.list[agentId]?.model?.primary;
    const wanted = asked ?? own ?? ref;
    const served = wanted === ref || wanted === model ? fromFlags() : undefined;
    return served ?? fromConfig(wanted, agentId, options);
  };
}

/** The provider that `modelFromFlags` gives its models. */
const SERVER = "custom";
