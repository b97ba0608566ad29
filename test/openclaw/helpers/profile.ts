/** One OpenClaw user: a home, a state folder, a config file, a workspace, a port and the environment that points to them. */

import { delimiter, dirname, join } from "node:path";
import { homedir } from "node:os";

import type { OpenClawInstall } from "./install.ts";

export type Profile = {
  install: OpenClawInstall;
  /** Holds everything below. */
  folder: string;
  home: string;
  stateDir: string;
  configPath: string;
  workspace: string;
  port: number;
  /** The gateway's bearer token. */
  token: string;
  env: Record<string, string>;
};

/** Only names the places: nothing is made. */
export function profileIn(folder: string, install: OpenClawInstall, port: number): Profile {
  const home = join(folder, "home");
  const stateDir = join(folder, "state");
  const configPath = join(stateDir, "openclaw.json");
  const places = { folder, home, stateDir, configPath, workspace: join(folder, "workspace") };
  return { install, ...places, port, token: TOKEN, env: environment(install, places) };
}

/** Nothing of the test process but what a process needs to run: `VITEST` or `NODE_ENV` would change what OpenClaw does. */
function environment(install: OpenClawInstall, places: Pick<Profile, "home" | "stateDir" | "configPath">) {
  const passed = Object.entries(process.env).flatMap(([name, value]) =>
    value !== undefined && PASSED_ON.has(name.toUpperCase()) ? [[name, value] as const] : [],
  );
  const path = process.env.PATH ?? process.env.Path ?? "";
  return {
    ...Object.fromEntries(passed),
    PATH: [dirname(install.node), path].join(delimiter),
    HOME: places.home,
    USERPROFILE: places.home,
    OPENCLAW_STATE_DIR: places.stateDir,
    OPENCLAW_CONFIG_PATH: places.configPath,
    NO_COLOR: "1",
    // npm finds its settings and its cache in the real home, also when `plugins install` calls it.
    npm_config_userconfig: process.env.npm_config_userconfig ?? join(homedir(), ".npmrc"),
    npm_config_cache: process.env.npm_config_cache ?? NPM_CACHE,
  };
}

const TOKEN = "token-of-a-test-gateway";

const PASSED_ON = new Set([
  ...["LANG", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NODE_USE_ENV_PROXY", "NODE_EXTRA_CA_CERTS", "NPM_CONFIG_REGISTRY"],
]);

const NPM_CACHE =
  process.platform === "win32"
    ? join(process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "npm-cache")
    : join(homedir(), ".npm");
