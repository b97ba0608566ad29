/** Providers that want more than a key, or a sign-in this package doesn't have. */

import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Env } from "../../config/env.ts";

/** What a special provider gets in place of a key, or the second half of a sentence about why it can't be used. */
export type SpecialAccess =
  { apiKey?: string; headers?: Record<string, string>; env?: Record<string, string> } | { refused: string };

/** Undefined for a provider that is used like any other: with a key. */
export function specialAccess(provider: string, key: string | undefined, env: Env): Promise<SpecialAccess> | undefined {
  return Object.hasOwn(SPECIAL, provider) ? SPECIAL[provider]!(key, env) : undefined;
}

async function anthropic(key: string | undefined, env: Env): Promise<SpecialAccess> {
  if (key !== undefined) return { apiKey: key };
  const bearer = env["ANTHROPIC_AUTH_TOKEN"];
  return bearer
    ? { headers: { Authorization: `Bearer ${bearer}` } }
    : { refused: "set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN" };
}

async function bedrock(key: string | undefined, env: Env): Promise<SpecialAccess> {
  const token = key ?? env["AWS_BEARER_TOKEN_BEDROCK"];
  const passed = picked(env, [...AWS_SETTINGS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
  if (token) return { apiKey: token, env: passed };
  if ((env["AWS_ACCESS_KEY_ID"] && env["AWS_SECRET_ACCESS_KEY"]) || env["AWS_BEDROCK_SKIP_AUTH"] === "1")
    return { env: passed };
  return {
    refused:
      "set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; profiles and container roles aren't supported here",
  };
}

async function vertex(key: string | undefined, env: Env): Promise<SpecialAccess> {
  const passed = picked(env, [...GOOGLE_SETTINGS]);
  if (key) return { apiKey: key, env: passed };
  const project = env["GOOGLE_CLOUD_PROJECT"] || env["GCLOUD_PROJECT"];
  const credentials = env["GOOGLE_APPLICATION_CREDENTIALS"] || DEFAULT_CREDENTIALS;
  const there = await access(credentials).then(
    () => true,
    () => false,
  );
  if (project && env["GOOGLE_CLOUD_LOCATION"] && there) {
    return { env: { ...passed, GOOGLE_APPLICATION_CREDENTIALS: credentials } };
  }
  return {
    refused:
      "set GOOGLE_CLOUD_API_KEY, or GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION after `gcloud auth application-default login`",
  };
}

async function azure(key: string | undefined, env: Env): Promise<SpecialAccess> {
  if (!key) return { refused: "set AZURE_OPENAI_API_KEY" };
  return { apiKey: key, env: picked(env, AZURE_SETTINGS) };
}

async function cloudflareWorkers(key: string | undefined, env: Env): Promise<SpecialAccess> {
  const account = env["CLOUDFLARE_ACCOUNT_ID"];
  if (!key || !account) return { refused: "set CLOUDFLARE_API_KEY and CLOUDFLARE_ACCOUNT_ID" };
  return { apiKey: key, env: { CLOUDFLARE_ACCOUNT_ID: account } };
}

async function copilot(key: string | undefined): Promise<SpecialAccess> {
  return key
    ? { apiKey: key }
    : { refused: "signing in to GitHub Copilot isn't supported here; set COPILOT_GITHUB_TOKEN to a Copilot token" };
}

function unsupported(why: string): () => Promise<SpecialAccess> {
  return async () => ({ refused: why });
}

function picked(env: Env, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

const AWS_SETTINGS = [
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_BEDROCK_SKIP_AUTH",
  "AWS_BEDROCK_FORCE_HTTP1",
  "AWS_BEDROCK_FORCE_CACHE",
];
const GOOGLE_SETTINGS = [
  "GOOGLE_CLOUD_PROJECT",
  "GCLOUD_PROJECT",
  "GOOGLE_CLOUD_LOCATION",
  "GOOGLE_APPLICATION_CREDENTIALS",
];
const AZURE_SETTINGS = [
  "AZURE_OPENAI_BASE_URL",
  "AZURE_OPENAI_RESOURCE_NAME",
  "AZURE_OPENAI_API_VERSION",
  "AZURE_OPENAI_DEPLOYMENT_NAME_MAP",
];
const DEFAULT_CREDENTIALS = join(homedir(), ".config", "gcloud", "application_default_credentials.json");

const SPECIAL: Record<string, (key: string | undefined, env: Env) => Promise<SpecialAccess>> = {
  anthropic,
  "amazon-bedrock": bedrock,
  "google-vertex": vertex,
  "azure-openai-responses": azure,
  "cloudflare-workers-ai": cloudflareWorkers,
  "github-copilot": copilot,
  "openai-codex": unsupported(
    "signing in with a ChatGPT account isn't supported here; use openai/<model> with OPENAI_API_KEY",
  ),
  "cloudflare-ai-gateway": unsupported(
    "the Cloudflare AI Gateway isn't supported here; configure it under models.providers with a baseUrl of its own",
  ),
  radius: unsupported("the Radius protocol isn't supported here; use another provider"),
};
