/** Whether OpenClaw would load this plugin: installed, and let through by `plugins`. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { PLUGIN_ID } from "../../config/schema.ts";
import type { HostConfig } from "./api.ts";

export type Obstacle = {
  /** What keeps the plugin from being loaded. */
  why: string;
  /** The command that clears it. */
  fix: string;
};

/** What stands in `plugins` against it; undefined when nothing does. */
export function refusedBySettings(config: HostConfig): Obstacle | undefined {
  const { enabled, allow = [], deny = [], entries } = pluginsOf(config);
  if (enabled === false) return { why: "plugins.enabled is off", fix: "openclaw config set plugins.enabled true" };
  if (deny.includes(PLUGIN_ID)) {
    const rest = deny.filter((id) => id !== PLUGIN_ID);
    return { why: "plugins.deny has it", fix: `openclaw config set plugins.deny '${JSON.stringify(rest)}'` };
  }
  if (entries?.[PLUGIN_ID]?.enabled === false) {
    return { why: "it isn't enabled", fix: `openclaw plugins enable ${PLUGIN_ID}` };
  }
  if (allow.length === 0 || allow.includes(PLUGIN_ID)) return undefined;
  const fix = `openclaw config set plugins.allow '${JSON.stringify([...allow, PLUGIN_ID])}'`;
  return { why: "plugins.allow is set and doesn't have it", fix };
}

/** Looks where either version of OpenClaw keeps plugins, and where the configuration says to. */
export function isInstalled(config: HostConfig, stateDir: string): boolean {
  const { load, installs } = pluginsOf(config);
  const projects = join(stateDir, "npm", "projects");
  const packages = [join(stateDir, "npm"), ...foldersIn(projects)].map((at) => join(at, "node_modules", PLUGIN_ID));
  const installed = installs?.[PLUGIN_ID]?.installPath;
  const named = [...(load?.paths ?? []), ...(installed === undefined ? [] : [installed])].map(absolute);
  return [...packages, join(stateDir, "extensions"), ...named].some(holdsPlugin);
}

/** A folder of the plugin, one of plugins, or a file in either. */
function holdsPlugin(path: string): boolean {
  if (!existsSync(path)) return false;
  const folder = statSync(path).isDirectory() ? path : dirname(path);
  return [folder, ...foldersIn(folder)].some(isPlugin);
}

function isPlugin(folder: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "openclaw.plugin.json"), "utf8")) as { id?: unknown };
    return manifest.id === PLUGIN_ID;
  } catch {
    return false;
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function absolute(path: string): string {
  return path.replace(/^~(?=$|[\\/])/, () => homedir());
}

function pluginsOf(config: HostConfig): Plugins {
  return config["plugins"] ?? {};
}

type Plugins = {
  enabled?: boolean;
  allow?: string[];
  deny?: string[];
  entries?: Record<string, { enabled?: boolean } | undefined>;
  load?: { paths?: string[] };
  installs?: Record<string, { installPath?: string } | undefined>;
};
