/** A model on any OpenAI-compatible server, from the command line alone. */

import type { Env } from "../../config/env.ts";
import type { ResolvedModel } from "../../types.ts";
import { NO_KEY, UNLISTED } from "./describe-model.ts";
import { compatFor, holdsCredentials, hostOf } from "./model-server.ts";
import { unusable } from "./unusable.ts";

export type ModelFlags = {
  /** Where the server's OpenAI-compatible API is, usually ending in /v1; an address without any path gets it added. */
  baseUrl: string;
  /** As the server calls it. */
  model: string;
  /** The variable that holds the key; without it none is sent. */
  apiKeyEnv?: string;
};

/** @throws InprocessError `model_unusable` naming the option */
export function modelFromFlags({ baseUrl, model, apiKeyEnv }: ModelFlags, env: Env = process.env): ResolvedModel {
  const id = model.trim();
  if (id === "") throw unusable(model, "--model is empty; give the name the server knows it by");
  const address = baseUrl.trim();
  if (holdsCredentials(address)) {
    throw unusable(
      id,
      "--base-url has a user name or password in it, which aren't used; take them out and pass the key with --api-key-env",
    );
  }
  if (hostOf(address) === undefined) {
    throw unusable(id, `--base-url is "${baseUrl}"; it must be an http or https URL such as http://127.0.0.1:11434/v1`);
  }
  const url = /^[a-z]+:\/\/[^/?#]+$/i.test(address) ? `${address}/v1` : address.replace(/\/+$/, "");
  const compat = compatFor("openai-completions", url, true, undefined);
  return {
    provider: "custom",
    id,
    api: "openai-completions",
    baseUrl: url,
    apiKey: keyFrom(id, apiKeyEnv, env),
    ...UNLISTED,
    input: ["text"],
    reasoning: false,
    ...(compat && { compat }),
  };
}

function keyFrom(id: string, apiKeyEnv: string | undefined, env: Env): string {
  if (apiKeyEnv === undefined) return NO_KEY;
  const key = env[apiKeyEnv];
  if (key) return key;
  throw unusable(
    id,
    `--api-key-env names the environment variable ${apiKeyEnv}, which isn't set; set it or leave the option out`,
  );
}
