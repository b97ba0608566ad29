import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import { runOpenClaw } from "./helpers/command.ts";
import { installOpenClaw, type OpenClawVersion } from "./helpers/install.ts";
import { onboardTemplate } from "./helpers/onboard.ts";
import { installPlugin, packPlugin } from "./helpers/plugin-install.ts";
import type { Profile } from "./helpers/profile.ts";

/** The tarball of `npm pack`, as OpenClaw's own scan sees it. */
describe.each<OpenClawVersion>(["2026.4.1", "2026.9.6"])("OpenClaw %s, given the packed plugin", (version) => {
  let profile: Profile;
  let installed: { code: number; output: string };

  beforeAll(async () => {
    profile = await onboardTemplate(await installOpenClaw(version), { modelBaseUrl: NO_MODEL });
    installed = await installPlugin(profile, await packPlugin());
  });

  test("installs it, and finds nothing suspicious", () => {
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.output).toContain(PLUGIN);
    expect(installed.output).not.toMatch(/suspicious|dangerous|malicious|blocked|code pattern/i);
  });

  test("says of its code in a deep audit nothing at all, and would say it of one file more", async () => {
    expect(await codeFindings(profile)).toEqual([]);

    await writeFile(join(await pluginFolder(profile), "dist", "added.js"), `export const two = eval("1 + 1");\n`);

    expect(await codeFindings(profile)).toEqual([
      expect.objectContaining({
        checkId: "plugins.code_safety",
        detail: expect.stringContaining("added.js") as string,
      }),
    ]);
  }, 400_000);
});

type Finding = { checkId: string; severity: string; detail: string };

/** Those about code: of plugins, or that it couldn't be looked at. */
async function codeFindings(profile: Profile): Promise<Finding[]> {
  const { stdout, stderr } = await runOpenClaw(profile, ["security", "audit", "--deep", "--json"], AUDIT_WITHIN_MS);
  const { findings } = parsed<{ findings: Finding[] }>(stdout, stderr);
  return findings.filter(({ checkId }) => checkId.startsWith("plugins.code_safety"));
}

async function pluginFolder(profile: Profile): Promise<string> {
  const { stdout, stderr } = await runOpenClaw(profile, ["plugins", "inspect", PLUGIN, "--json"]);
  const { plugin } = parsed<{ plugin: { rootDir: string } }>(stdout, stderr);
  return plugin.rootDir;
}

/** Lines of a log may stand before the answer. */
function parsed<T>(stdout: string, stderr: string): T {
  const start = stdout.search(/^\{/m);
  if (start < 0) throw new Error(`no JSON in:\n${stdout}\n${stderr}`);
  return JSON.parse(stdout.slice(start)) as T;
}

const PLUGIN = "openclaw-inprocess";
/** It also tries to reach a gateway, which isn't there, and imports every plugin. */
const AUDIT_WITHIN_MS = 180_000;
const NO_MODEL = "http://127.0.0.1:9/v1";
