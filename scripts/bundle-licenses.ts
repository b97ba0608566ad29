/** The licences of what is bundled, as their terms ask: each text once, with the packages it covers. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * @param root the repository
 * @param inputs esbuild's input paths, relative to `root`
 * @param notices the legal comments found in the code
 */
export function licenseTexts(root: string, inputs: readonly string[], notices: readonly string[]): string {
  const packagesByText = new Map<string, string[]>();
  for (const folder of packageFolders(inputs)) {
    const { name, version, license } = JSON.parse(
      readFileSync(join(root, folder, "package.json"), "utf8"),
    ) as PackageJson;
    const text = licenseFile(join(root, folder)) ?? `Licence: ${license ?? "not stated"}`;
    packagesByText.set(text, [...(packagesByText.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...packagesByText].map(([text, packages]) => `${packages.sort().join("\n")}\n\n${text.trim()}\n`);
  return [HEADER, ...parts.sort(), ...new Set(notices.filter((notice) => notice !== ""))].join(RULE);
}

function packageFolders(inputs: readonly string[]): Set<string> {
  const folders = new Set<string>();
  for (const input of inputs) {
    const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  return folders;
}

function licenseFile(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const file = readdirSync(folder).find((name) => /^licen[cs]e(?:\.(?:md|txt))?$/i.test(name));
  return file === undefined ? undefined : readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n");
}

type PackageJson = { name: string; version: string; license?: string };

const HEADER =
  "The .js files beside this one contain code of the packages below, under the licences that follow their names.\n";
const RULE = `\n${"=".repeat(80)}\n\n`;
