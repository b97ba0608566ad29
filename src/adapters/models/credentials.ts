/** Keys and headers of a provider: from the config, else from its usual environment variables. */

import type { ProviderConfig, Secret } from "../../config.ts";
import { expandVariables, unresolvable, type Env } from "../../config/env.ts";
import { isLocalUrl } from "./model-server.ts";
import { unusable } from "./unusable.ts";

/**
 * The key for a provider, or undefined when there is none.
 * A key that is the name of a variable that is set stands for its value, as in OpenClaw.
 * @param variables where to look when the config has no key
 */
export function keyFor(
  ref: string,
  provider: string,
  config: ProviderConfig | undefined,
  variables: readonly string[],
  env: Env,
): string | undefined {
  if (config?.apiKey !== undefined) {
    const path = `models.providers.${provider}.apiKey`;
    const text = secretText(ref, path, config.apiKey, env);
    const named = env[text];
    if (VARIABLE_NAME.test(text) && named) return named;
    if (KEY_VARIABLE.test(text) && config.baseUrl !== undefined && !isLocalUrl(config.baseUrl)) {
      throw unusable(ref, `${path} names the environment variable ${text}, which isn't set; set it`);
    }
    return text;
  }
  const name = [...variables, ownVariable(provider)].find(
    (variable) => !BEARER_VARIABLES.has(variable) && env[variable],
  );
  return name === undefined ? undefined : env[name];
}

/** `my-proxy` → `MY_PROXY_API_KEY`. */
export function ownVariable(provider: string): string {
  return `${provider.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_API_KEY`;
}

export function headersOf(
  ref: string,
  path: string,
  headers: Record<string, Secret> | undefined,
  env: Env,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name,
      secretText(ref, `${path}.headers.${name}`, value, env),
    ]),
  );
}

/** @throws InprocessError `model_unusable` naming the path and what is missing */
export function secretText(ref: string, path: string, secret: Secret, env: Env): string {
  if (typeof secret !== "string" && secret.source !== "env") throw unusable(ref, `${path} ${unresolvable(secret)}`);
  const expanded = expandVariables(typeof secret === "string" ? secret : `\${${secret.id}}`, env);
  if ("text" in expanded) return expanded.text;
  throw unusable(ref, `${path} needs the environment variable ${expanded.missing}, which isn't set; set it`);
}

const VARIABLE_NAME = /^[A-Z][A-Z0-9_]*$/;
const KEY_VARIABLE = /^[A-Z][A-Z0-9_]*_(KEY|TOKEN|SECRET)$/;

/** Sent as a header of their own, never as a key. */
const BEARER_VARIABLES = new Set(["ANTHROPIC_AUTH_TOKEN"]);
