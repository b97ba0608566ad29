/** The state of an OpenClaw whose user has just run `openclaw onboard`, copied for each test. */

import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { runOpenClaw } from "./command.ts";
import type { OpenClawInstall } from "./install.ts";
import { profileIn, type Profile } from "./profile.ts";
import { freshFolder, runFolder } from "./run-folder.ts";
import { addUserSettings, type OpenClawConfig } from "./user-settings.ts";

export type OnboardOptions = {
  /** `http://127.0.0.1:<port>/v1` of the scripted model. */
  modelBaseUrl: string;
  /** Changes the config further, after the model, the port and the quiet settings are in it. */
  edit?: (config: OpenClawConfig) => void;
};

/** A profile of its own, onboarded, with a free port; nothing runs yet. Removed with the run folder. */
export async function onboardTemplate(install: OpenClawInstall, options: OnboardOptions): Promise<Profile> {
  const template = await templateFor(install);
  const profile = profileIn(freshFolder("profile"), install, await freePort());
  await cp(template.folder, profile.folder, { recursive: true });
  const text = await readFile(profile.configPath, "utf8");
  const config = JSON.parse(moved(text, template.folder, profile.folder)) as OpenClawConfig;
  addUserSettings(config, profile, options.modelBaseUrl);
  options.edit?.(config);
  await writeFile(profile.configPath, JSON.stringify(config, undefined, 2));
  return profile;
}

/** The config file of the template: what onboarding wrote, untouched. */
export async function onboardedConfig(install: OpenClawInstall): Promise<OpenClawConfig> {
  return JSON.parse(await readFile((await templateFor(install)).configPath, "utf8")) as OpenClawConfig;
}

/** Onboards once in a test run: the files run one after the other, and each finds what an earlier one made. */
async function templateFor(install: OpenClawInstall): Promise<Profile> {
  const profile = profileIn(join(runFolder(), `template-${install.version}`), install, TEMPLATE_PORT);
  if (existsSync(profile.folder)) return profile;
  // Its paths stand in the config, so it is made in its place; only a complete one keeps its name.
  try {
    await onboard(profile);
  } catch (error) {
    if (existsSync(profile.folder)) await rename(profile.folder, freshFolder("failed-template"));
    throw error;
  }
  return profile;
}

async function onboard(profile: Profile): Promise<void> {
  await mkdir(profile.home, { recursive: true });
  const gateway = ["--gateway-auth", "token", "--gateway-token", profile.token];
  const address = ["--gateway-bind", "loopback", "--gateway-port", String(profile.port)];
  const args = ["onboard", ...ANSWERS, ...gateway, ...address, "--workspace", profile.workspace];
  const { code, stdout, stderr } = await runOpenClaw(profile, args);
  if (code === 0) return;
  throw new Error(`openclaw ${profile.install.version} onboard ended with ${code}:\n${stdout}\n${stderr}`);
}

/** The text of a JSON file, where a path may be written with escaped backslashes. */
function moved(text: string, from: string, to: string): string {
  const written = (path: string): string => JSON.stringify(path).slice(1, -1);
  return text.replaceAll(written(from), written(to));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ANSWERS = [
  ...["--non-interactive", "--accept-risk", "--mode", "local", "--auth-choice", "skip"],
  ...["--skip-channels", "--skip-daemon", "--skip-health", "--skip-search", "--skip-skills", "--skip-ui"],
];

/** Nothing ever listens there: each copy gets a port of its own. */
const TEMPLATE_PORT = 18_789;
