/** What this install makes of its settings, and what stands in the way, with the command or the lines that change it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { PLUGIN_ID } from "../../config/schema.ts";
import { selectEngine } from "../../policy/select-engine.ts";
import { selectRuntime } from "../../policy/select-runtime.ts";
import type { HostConfig } from "./api.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import { readPairing, type Pairing } from "./pairing.ts";
import { readSettings } from "./settings.ts";
import { STATE_FOLDER } from "./state-folder.ts";
import { chooseTakeover } from "./takeover.ts";

export type Finding = {
  /** `ok` · `note`: could be better · `problem`: something doesn't work. */
  level: "ok" | "note" | "problem";
  about: "host" | "settings" | "runtime" | "engine" | "pairing" | "tools" | "state";
  text: string;
  /** Commands to run or lines to add, one each. */
  fix?: string[];
};

export type DoctorOptions = {
  config: HostConfig;
  /** OpenClaw's own. */
  stateDir: string;
  /** Undefined: OpenClaw's package could not be found. */
  openclaw: OpenClawPackage | undefined;
};

/** Only looks; nothing is started, connected to or written. */
export async function examine({ config, stateDir, openclaw }: DoctorOptions): Promise<Finding[]> {
  if (openclaw === undefined) {
    const text = "OpenClaw's package isn't on the PATH, so its version and runner can't be told";
    const fix = ["openclaw inprocess doctor"];
    return [{ level: "problem", about: "host", text, fix }];
  }
  const host: Finding = { level: "ok", about: "host", text: `OpenClaw ${openclaw.version}, ${openclaw.root}` };
  const { findings, offersTools } = choices(config, openclaw);
  return [
    host,
    ...findings,
    pairingFinding(await readPairing(stateDir), await hasPending(stateDir), openclaw),
    ...(offersTools ? toolFindings(config, openclaw) : []),
    stateFinding(stateDir),
  ];
}

function choices(raw: HostConfig, openclaw: OpenClawPackage): { findings: Finding[]; offersTools: boolean } {
  const off = (text: string, ...fix: string[]): { findings: Finding[]; offersTools: boolean } => ({
    findings: [{ level: "problem", about: "settings", text, ...(fix.length > 0 ? { fix } : {}) }],
    offersTools: false,
  });
  if (!isEnabled(raw)) {
    const text = "the plugin isn't enabled in this configuration: subagents take the core's own path";
    return off(text, `openclaw plugins enable ${PLUGIN_ID}`);
  }
  let settings;
  try {
    settings = readSettings(raw, openclaw);
  } catch (error) {
    return off(`${messageOf(error).replaceAll("\n", " ")} The plugin stays off.`);
  }
  const { config, passedOver } = settings;
  const runtime = selectRuntime(config);
  const engine = selectEngine(config, openclaw.runnerMissing === undefined ? {} : { missing: openclaw.runnerMissing });
  const takeover = chooseTakeover(config, runtime, engine.engine);
  const findings: Finding[] = [
    ...passedOver.map((text): Finding => ({ level: "note", about: "settings", text: `${text}; it is left out` })),
    { level: "ok", about: "runtime", text: `${SPAWNS[takeover.spawns]}: ${takeover.reason}` },
    { level: "ok", about: "engine", text: `${engine.engine}: ${engine.reason}` },
  ];
  return { findings, offersTools: takeover.tools };
}

function pairingFinding(pairing: Pairing, pending: boolean, openclaw: OpenClawPackage): Finding {
  if (!openclaw.sessionsInFiles) {
    return { level: "ok", about: "pairing", text: "this OpenClaw spawns without a connection to itself" };
  }
  switch (pairing.state) {
    case "open":
      return { level: "ok", about: "pairing", text: "no device of this machine is paired yet" };
    case "enough":
      return { level: "ok", about: "pairing", text: `this machine's device has ${pairing.scopes.join(", ")}` };
    case "unknown":
      return { level: "note", about: "pairing", text: `it can't be told: ${pairing.why}` };
    case "narrow":
      return {
        level: "problem",
        about: "pairing",
        text:
          `this machine's device is paired with ${pairing.scopes.join(", ") || "no scope"} and lacks ${pairing.missing.join(", ")}: ` +
          "the core's sessions_spawn, sessions_send, gateway, cron and nodes are closed with 1008 (pairing required). Subagents in process don't need it; for the rest approve the device:",
        // Approving needs a request that waits; asking for the list makes one.
        fix: [...(pending ? [] : ["openclaw devices list"]), "openclaw devices approve --latest"],
      };
  }
}

async function hasPending(stateDir: string): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  try {
    const pending: unknown = JSON.parse(await readFile(join(stateDir, "devices", "pending.json"), "utf8"));
    return typeof pending === "object" && pending !== null && Object.keys(pending).length > 0;
  } catch {
    return false;
  }
}

function toolFindings(config: HostConfig, openclaw: OpenClawPackage): Finding[] {
  const tools = (config["tools"] ?? {}) as {
    profile?: string;
    alsoAllow?: string[];
    allow?: string[];
    deny?: string[];
  };
  const found: Finding[] = [];
  if (tools.deny?.includes("sessions_spawn")) {
    found.push({
      level: "note",
      about: "tools",
      text: "tools.deny has sessions_spawn: no model can start a subagent by that name, and one that tries is asked again and again; take it out",
    });
  }
  const listed = [...(tools.alsoAllow ?? []), ...(tools.allow ?? [])].includes(PLUGIN_ID);
  const open = tools.profile === undefined || tools.profile === "full";
  if (listed || (open && tools.allow === undefined)) {
    found.push({
      level: "ok",
      about: "tools",
      text: "the plugin's own tools (sessions_spawn_inprocess, …) are offered",
    });
  } else {
    found.push({
      level: "ok",
      about: "tools",
      text: `the plugin's own tools (sessions_spawn_inprocess, …) are kept from models by the tool policy (${tools.profile === undefined ? "tools.allow" : `tools.profile "${tools.profile}"`}); calls of sessions_spawn don't need them. To offer them too:`,
      fix: [`openclaw config set tools.alsoAllow '["${PLUGIN_ID}"]'`],
    });
  }
  if (!openclaw.sessionsInFiles && !mayReadConversations(config)) {
    found.push({
      level: "note",
      about: "tools",
      text: "the system prompt can't be told of these tools; to allow it:",
      fix: [`openclaw config set plugins.entries.${PLUGIN_ID}.hooks.allowConversationAccess true`],
    });
  }
  return found;
}

function stateFinding(stateDir: string): Finding {
  const folder = join(stateDir, STATE_FOLDER);
  const text = existsSync(folder) ? folder : `${folder} (made when a gateway starts)`;
  return { level: "ok", about: "state", text };
}

function isEnabled(config: HostConfig): boolean {
  const plugins = config["plugins"] as
    { enabled?: boolean; deny?: string[]; entries?: Record<string, { enabled?: boolean } | undefined> } | undefined;
  if (plugins?.enabled === false || plugins?.deny?.includes(PLUGIN_ID)) return false;
  return plugins?.entries?.[PLUGIN_ID]?.enabled !== false;
}

function mayReadConversations(config: HostConfig): boolean {
  type Entry = { hooks?: { allowConversationAccess?: boolean } };
  const plugins = config["plugins"] as { entries?: Record<string, Entry | undefined> } | undefined;
  return plugins?.entries?.[PLUGIN_ID]?.hooks?.allowConversationAccess === true;
}

const SPAWNS = {
  always: "subagents run in process",
  "when-broken": "subagents run in process only where the core's own path is certain to fail",
  never: "subagents take the core's own path",
};
