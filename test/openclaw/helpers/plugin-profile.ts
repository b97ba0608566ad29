/** Profiles that have this plugin: installed by OpenClaw itself, from the packed tarball, once in a test run. */

import { existsSync } from "node:fs";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { breakPairing } from "./broken-pairing.ts";
import { runGateway } from "./gateway-process.ts";
import { readDevices } from "./gateway-state.ts";
import { runOpenClaw } from "./command.ts";
import type { OpenClawInstall } from "./install.ts";
import { onboardTemplate, type OnboardOptions } from "./onboard.ts";
import { installPlugin, packPlugin } from "./plugin-install.ts";
import type { Profile } from "./profile.ts";
import { runFolder } from "./run-folder.ts";
import type { OpenClawConfig, Section } from "./user-settings.ts";

export type PluginOptions = OnboardOptions & {
  /** `plugins.entries.openclaw-inprocess.config.subagents`; left out: the entry is as the installation wrote it. */
  subagents?: Section;
  /** The device is paired with `operator.read` only, as `breakPairing` leaves it. @default false: nothing is paired */
  narrow?: boolean;
};

/** An onboarded profile of its own with the plugin installed; nothing runs yet. */
export async function profileWithPlugin(install: OpenClawInstall, options: PluginOptions): Promise<Profile> {
  const template = await templateFor(install);
  const profile = await onboardTemplate(install, options);
  await cp(join(template.stateDir, "extensions"), join(profile.stateDir, "extensions"), { recursive: true });
  if (options.narrow) {
    for (const folder of ["identity", "devices"])
      await cp(join(template.stateDir, folder), join(profile.stateDir, folder), { recursive: true });
  }
  const installed = (await configOf(template)).plugins!;
  await editConfig(profile, (config) => {
    const plugins = (config.plugins ??= {});
    const entry = { ...(section(installed.entries)[PLUGIN] as Section) };
    if (options.subagents !== undefined) entry.config = { subagents: options.subagents };
    plugins.entries = {
      ...section(plugins.entries),
      [PLUGIN]: { ...entry, ...section(section(plugins.entries)[PLUGIN]) },
    };
    const installs = JSON.stringify(installed.installs).replaceAll(inJson(template.folder), inJson(profile.folder));
    plugins.installs = JSON.parse(installs) as Section;
  });
  return profile;
}

/** Changes the config file in place, as a user with an editor does. */
export async function editConfig(profile: Profile, edit: (config: OpenClawConfig) => void): Promise<void> {
  const config = await configOf(profile);
  edit(config);
  await writeFile(profile.configPath, JSON.stringify(config, undefined, 2));
}

/** The plugin's own section of a profile's config. */
export function setSubagents(config: OpenClawConfig, subagents: unknown): void {
  const entries = section(config.plugins?.entries);
  config.plugins = {
    ...config.plugins,
    entries: { ...entries, [PLUGIN]: { ...section(entries[PLUGIN]), config: { subagents } } },
  };
}

/** Installed once, and its pairing broken; the files of a run find it where an earlier one left it. */
async function templateFor(install: OpenClawInstall): Promise<Profile> {
  const note = join(runFolder(), `with-plugin-${install.version}.json`);
  if (existsSync(note)) return { ...(JSON.parse(await readFile(note, "utf8")) as Profile), install };
  const profile = await onboardTemplate(install, { modelBaseUrl: "http://127.0.0.1:9/v1" });
  // Before the plugin is there, so that what it says of itself stays in the tests' own gateways.
  const gateway = await runGateway(profile);
  try {
    await breakPairing({ cli: (...args) => runOpenClaw(profile, args), devices: () => readDevices(profile) });
  } finally {
    await gateway.stop();
  }
  const { code, output } = await installPlugin(profile, await packPlugin());
  if (code !== 0) throw new Error(`the plugin could not be installed:\n${output}`);
  await writeFile(note, JSON.stringify(profile));
  return profile;
}

async function configOf(profile: Profile): Promise<OpenClawConfig> {
  return JSON.parse(await readFile(profile.configPath, "utf8")) as OpenClawConfig;
}

function section(value: unknown): Section {
  return typeof value === "object" && value !== null ? (value as Section) : {};
}

function inJson(path: string): string {
  return JSON.stringify(path).slice(1, -1);
}

const PLUGIN = "openclaw-inprocess";
