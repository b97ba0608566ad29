/** What a user adds to the onboarded config: a model and a port; and what keeps a test's gateway to itself. */

import { join } from "node:path";

import type { Profile } from "./profile.ts";

/** A config file of OpenClaw, parsed. Sections that tests edit have names; the rest stays as it is. */
export type OpenClawConfig = Section & {
  agents: Section & { defaults: Section };
  gateway: Section;
  tools?: Section;
  plugins?: Section;
};

export type Section = { [key: string]: unknown };

/** Changes `config` in place. `tools` stays as onboarding wrote it. */
export function addUserSettings(config: OpenClawConfig, profile: Profile, modelBaseUrl: string): void {
  addModel(config, modelBaseUrl);
  config.gateway.port = profile.port;
  config.gateway.http = { endpoints: { chatCompletions: { enabled: true } } };
  keepQuiet(config);
  // There it lacks a dependency and is tried again in every turn.
  if (profile.install.version === "2026.4.1") config.plugins = { ...config.plugins, deny: ["amazon-bedrock"] };
  // The default is one file for all gateways of a machine.
  config.logging = { file: join(profile.folder, "gateway.log.jsonl") };
}

function addModel(config: OpenClawConfig, baseUrl: string): void {
  const model = {
    id: MODEL,
    name: "Scripted",
    reasoning: false,
    input: ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    contextWindow: 200_000,
    maxTokens: 8_192,
  };
  const provider = { baseUrl, apiKey: "key-of-a-scripted-model", api: "openai-completions", models: [model] };
  config.models = { mode: "replace", providers: { [PROVIDER]: provider } };
  config.agents.defaults.model = { primary: `${PROVIDER}/${MODEL}` };
}

/** Nothing is announced, fetched or started by the clock. */
function keepQuiet(config: OpenClawConfig): void {
  config.gateway.controlUi = { enabled: false };
  config.discovery = { mdns: { mode: "off" } };
  config.update = { checkOnStart: false };
  config.cron = { enabled: false };
  Object.assign(config.agents.defaults, { heartbeat: { every: "0m" }, skipBootstrap: true });
}

const PROVIDER = "scripted";
const MODEL = "scripted-1";
