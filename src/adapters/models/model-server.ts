/** Where a model is served and in which protocol. */

import { isLoopback } from "../../policy/select-runtime.ts";

/** The protocols the worker speaks, `ResolvedModel.api`. */
export const SPOKEN_APIS: readonly string[] = [
  "openai-completions",
  "openai-responses",
  "azure-openai-responses",
  "anthropic-messages",
  "google-generative-ai",
  "google-vertex",
  "mistral-conversations",
  "bedrock-converse-stream",
];

/** Servers people run themselves, reachable by name without any config. */
export const LOCAL_SERVERS: Readonly<Record<string, string>> = {
  ollama: "http://127.0.0.1:11434/v1",
  lmstudio: "http://127.0.0.1:1234/v1",
  vllm: "http://127.0.0.1:8000/v1",
  sglang: "http://127.0.0.1:30000/v1",
};

/** Spoken and addressed as the provider's SDK wants it. Ollama's own protocol becomes the OpenAI one it offers beside it. */
export function serverOf(api: string, baseUrl: string): { api: string; baseUrl: string } {
  const address = baseUrl.replace(/\/+$/, "");
  if (api === "ollama")
    return { api: "openai-completions", baseUrl: address.endsWith("/v1") ? address : `${address}/v1` };
  // Anthropic's SDK adds /v1 by itself.
  if (api === "anthropic-messages") return { api, baseUrl: address.replace(/\/v1$/, "") };
  return { api, baseUrl: address };
}

/** The host with its port, or undefined when the text isn't an http(s) URL. */
export function hostOf(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.host : undefined;
}

/** Whether a user name or password is in it; of a text that is no http(s) URL, whether one may be. */
export function holdsCredentials(url: string): boolean {
  if (hostOf(url) === undefined) return url.includes("@");
  const { username, password } = new URL(url);
  return username !== "" || password !== "";
}

export function isLocalUrl(url: string): boolean {
  return URL.canParse(url) && isLoopback(new URL(url).hostname);
}

/**
 * What an OpenAI-compatible server that isn't OpenAI's can be trusted to take.
 * OpenClaw forces `supportsDeveloperRole` too, even over an explicit true.
 */
export function compatFor(
  api: string,
  baseUrl: string,
  foreign: boolean,
  given: Record<string, unknown> | undefined,
): Record<string, unknown> | undefined {
  if (api !== "openai-completions" || hostOf(baseUrl) === "api.openai.com") return given;
  if (!foreign) return given;
  return { supportsStore: false, maxTokensField: "max_tokens", ...given, supportsDeveloperRole: false };
}
