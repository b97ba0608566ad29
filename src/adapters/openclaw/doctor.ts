/** What this install makes of its settings, and what stands in the way, with the command or the lines that change it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../config.ts";
import { messageOf } from "../../errors.ts";
import { PLUGIN_ID } from "../../config/schema.ts";
import { selectEngine, type EngineChoice } from "../../policy/select-engine.ts";
import { selectRuntime } from "../../policy/select-runtime.ts";
import { refuseNoModule } from "../embed.ts";
import { refuseUnbuilt } from "../refuse-unbuilt.ts";
import type { HostConfig } from "./api.ts";
import { leftToCore } from "./core-spawns.ts";
import { toolFindings } from "./doctor-tools.ts";
import type { OpenClawPackage } from "./openclaw-package.ts";
import { readPairing, type Pairing } from "./pairing.ts";
import { isInstalled, refusedBySettings } from "./plugin-state.ts";
import { readSettings } from "./settings.ts";
import { STATE_FOLDER } from "./state-folder.ts";
import { chooseTakeover, type Takeover } from "./takeover.ts";

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
  /** The plugin itself asks: it is installed, wherever that is. @default false: its folder is looked for */
  loaded?: boolean;
};

/** Only looks; nothing is started, connected to or written. */
export async function examine({ config, stateDir, openclaw, loaded = false }: DoctorOptions): Promise<Finding[]> {
  if (openclaw === undefined) {
    const text = "OpenClaw's package isn't on the PATH, so its version and runner can't be told";
    const fix = ["openclaw inprocess doctor"];
    return [{ level: "problem", about: "host", text, fix }];
  }
  const host: Finding = { level: "ok", about: "host", text: `OpenClaw ${openclaw.version}, ${openclaw.root}` };
  const { findings, takeover } = loaded || isInstalled(config, stateDir) ? choices(config, openclaw) : notInstalled();
  return [
    host,
    ...findings,
    pairingFinding(await readPairing(stateDir), await hasPending(stateDir), openclaw, takeover),
    ...(takeover === undefined ? [] : toolFindings(config, openclaw, takeover)),
    stateFinding(stateDir),
  ];
}

/** No takeover: the plugin is off. */
type Choices = { findings: Finding[]; takeover?: Takeover };

function notInstalled(): Choices {
  const text = "the plugin isn't installed in this OpenClaw: subagents take the core's own path";
  return off(text, `openclaw plugins install ${PLUGIN_ID}`);
}

function off(text: string, ...fix: string[]): Choices {
  return { findings: [{ level: "problem", about: "settings", text, ...(fix.length > 0 ? { fix } : {}) }] };
}

function choices(raw: HostConfig, openclaw: OpenClawPackage): Choices {
  const refused = refusedBySettings(raw);
  if (refused !== undefined) {
    return off(`the plugin isn't loaded, ${refused.why}: subagents take the core's own path`, refused.fix);
  }
  let settings;
  try {
    settings = readSettings(raw, openclaw);
  } catch (error) {
    return off(staysOff(error));
  }
  const { config, passedOver } = settings;
  const notes = passedOver.map((text): Finding => {
    return { level: "note", about: "settings", text: `${text}; it is left out` };
  });
  let engine;
  try {
    engine = selectEngine(config, openclaw.runnerMissing === undefined ? {} : { missing: openclaw.runnerMissing });
  } catch (error) {
    const { findings } = off(staysOff(error), `openclaw config set ${OWN_SETTINGS}.engine auto`);
    return { findings: [...notes, ...findings] };
  }
  const takeover = chooseTakeover(config, selectRuntime(config), engine.engine);
  try {
    refuseAsAtStart(config, engine, takeover);
  } catch (error) {
    return { findings: [...notes, ...off(staysOff(error)).findings] };
  }
  const chosen: Finding[] = [
    { level: "ok", about: "runtime", text: `${SPAWNS[takeover.spawns]}: ${takeover.reason}` },
    ...(takeover.spawns === "never" ? [] : [coresOwn(openclaw)]),
    { level: "ok", about: "engine", text: `${engine.engine}: ${engine.reason}` },
  ];
  return { findings: [...notes, ...chosen], takeover };
}

function coresOwn(openclaw: OpenClawPackage): Finding {
  return { level: "ok", about: "runtime", text: `left to the core in every case: ${leftToCore(openclaw)}` };
}

/** What the runtime refuses when it is made; it isn't where nothing is taken. */
function refuseAsAtStart(config: Config, { engine }: EngineChoice, { spawns }: Takeover): void {
  if (spawns === "never") return;
  refuseUnbuilt({ ...config, subagents: { ...config.subagents, runtime: "inprocess" } });
  refuseNoModule(engine);
}

function staysOff(error: unknown): string {
  return `${messageOf(error).replaceAll("\n", " ")} The plugin stays off.`;
}

function pairingFinding(
  pairing: Pairing,
  pending: boolean,
  openclaw: OpenClawPackage,
  takeover: Takeover | undefined,
): Finding {
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
        // With a device so narrow no spawn is left to the core, unless all are.
        level: takeover === undefined || takeover.spawns === "never" ? "problem" : "note",
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

function stateFinding(stateDir: string): Finding {
  const folder = join(stateDir, STATE_FOLDER);
  const text = existsSync(folder) ? folder : `${folder} (made when a gateway starts)`;
  return { level: "ok", about: "state", text };
}

const SPAWNS = {
  always: "subagents run in process",
  "when-broken": "subagents run in process only where the core's own path is certain to fail",
  never: "subagents take the core's own path",
};
const OWN_SETTINGS = `plugins.entries.${PLUGIN_ID}.config.subagents`;
