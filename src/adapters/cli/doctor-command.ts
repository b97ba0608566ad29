/** `doctor`: the install of OpenClaw on this machine, as the plugin would find it. Only looks. */

import { existsSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { loadConfigFile } from "../../config/load.ts";
import { InprocessError } from "../../errors.ts";
import type { HostConfig } from "../openclaw/api.ts";
import { examine } from "../openclaw/doctor.ts";
import { findingLines } from "../openclaw/doctor-text.ts";
import { findOpenClaw, type OpenClawPackage } from "../openclaw/openclaw-package.ts";
import { EXIT } from "./exit-codes.ts";
import { homeFrom } from "./folders.ts";

export type DoctorFlags = { config?: string; json?: boolean };

/** @returns 1 when something doesn't work */
export async function doctorCommand(flags: DoctorFlags, proc: NodeJS.Process): Promise<number> {
  const stateDir = openClawStateDir(proc);
  const file = resolve(flags.config ?? proc.env["OPENCLAW_CONFIG_PATH"] ?? join(stateDir, "openclaw.json"));
  if (!existsSync(file)) {
    throw new InprocessError(
      "config_unreadable",
      `there is no OpenClaw configuration at ${file}; run "openclaw onboard", or name the file with --config`,
    );
  }
  const config = (await loadConfigFile(file, { env: proc.env })) as HostConfig;
  const findings = await examine({ config, stateDir, openclaw: installed(proc.env) });
  const lines = flags.json === true ? findings.map((finding) => JSON.stringify(finding)) : findingLines(findings);
  for (const line of lines) proc.stdout.write(`${line}\n`);
  return findings.some(({ level }) => level === "problem") ? EXIT.failed : EXIT.ok;
}

/** As OpenClaw finds its own. */
function openClawStateDir({ env, platform }: NodeJS.Process): string {
  return resolve(env["OPENCLAW_STATE_DIR"] ?? join(homeFrom(env, platform), ".openclaw"));
}

/** The package behind the command `openclaw`; on Windows that is a script beside `node_modules`. */
function installed(env: NodeJS.ProcessEnv): OpenClawPackage | undefined {
  for (const folder of (env["PATH"] ?? env["Path"] ?? "").split(delimiter)) {
    if (folder === "") continue;
    const found =
      findOpenClaw(join(folder, "openclaw")) ??
      findOpenClaw(join(folder, "node_modules", "openclaw", "openclaw.mjs")) ??
      findOpenClaw(join(dirname(folder), "openclaw", "openclaw.mjs"));
    if (found !== undefined) return found;
  }
  return undefined;
}
