/** The .gitignore files on the way to a path. */

import ignore, { type Ignore } from "ignore";
import type { FolderEntry } from "./folder-entries.ts";
import type { Workspace } from "./workspace.ts";

/** Rules of each folder that has some, outermost first; `base` is the folder, "" for the workspace. */
export type IgnoreRules = readonly { base: string; matcher: Ignore }[];

/** Rules that hold in `folder` from the folders above it; none when they leave out the folder itself. */
export async function rulesAbove(workspace: Workspace, folder: string): Promise<IgnoreRules> {
  let rules: IgnoreRules = [];
  const names = folder === "" ? [] : folder.split("/");
  for (let depth = 0; depth < names.length; depth += 1) {
    rules = await withRulesIn(workspace, names.slice(0, depth).join("/"), rules);
    if (isIgnored(rules, names.slice(0, depth + 1).join("/"), true)) return [];
  }
  return rules;
}

/** Adds the folder's own rules, if its entries show that it has any. */
export async function withRulesOf(
  workspace: Workspace,
  folder: string,
  entries: readonly FolderEntry[],
  rules: IgnoreRules,
): Promise<IgnoreRules> {
  const has = entries.some((entry) => entry.name === FILE_NAME && entry.kind === "file");
  return has ? withRulesIn(workspace, folder, rules) : rules;
}

/** The innermost file that says something about a path decides. */
export function isIgnored(rules: IgnoreRules, path: string, isFolder: boolean): boolean {
  for (let at = rules.length - 1; at >= 0; at -= 1) {
    const { base, matcher } = rules[at] as IgnoreRules[number];
    const result = matcher.test(path.slice(base === "" ? 0 : base.length + 1) + (isFolder ? "/" : ""));
    if (result.ignored) return true;
    if (result.unignored) return false;
  }
  return false;
}

async function withRulesIn(workspace: Workspace, folder: string, rules: IgnoreRules): Promise<IgnoreRules> {
  const file = folder === "" ? FILE_NAME : `${folder}/${FILE_NAME}`;
  try {
    const text = await workspace.root.readText(file, { maxBytes: MAX_FILE_BYTES });
    const lines = text
      .replace(/^\uFEFF/, "")
      .split(/\r?\n/)
      .filter(isHarmless);
    return [...rules, { base: folder, matcher: ignore({ ignorecase: false }).add(lines) }];
  } catch {
    return rules;
  }
}

/** The library takes ten times as long for each further `**` on a deep path (6 s for six): such rules are passed over. */
function isHarmless(line: string): boolean {
  return line.length <= MAX_LINE && line.split("**").length - 1 <= MAX_DOUBLE_STARS;
}

const FILE_NAME = ".gitignore";
const MAX_FILE_BYTES = 256 * 1024;
const MAX_LINE = 1000;
const MAX_DOUBLE_STARS = 3;
