/** A user's own plugin: a house rule for tool calls, and a diary of the subagents it is told of. */

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { freshFolder } from "./run-folder.ts";
import type { OpenClawConfig } from "./user-settings.ts";

export type UserPlugin = {
  /** Has the config load it. */
  addTo(config: OpenClawConfig): void;
  /** What its hooks were told, oldest first. */
  told(): Promise<Told[]>;
};

export type Told = { hook: string; event: Record<string, unknown>; context: Record<string, unknown> };

/** It blocks `read` of paths with `forbidden` in them, with `reason`. */
export async function userPlugin(forbidden: string, reason: string): Promise<UserPlugin> {
  const folder = join(freshFolder("user-plugin"), ID);
  const diary = join(folder, "diary.jsonl");
  await mkdir(folder);
  const manifest = {
    id: ID,
    name: "House rules",
    description: "A user's own.",
    configSchema: { type: "object", properties: {} },
  };
  await writeFile(join(folder, "openclaw.plugin.json"), JSON.stringify(manifest));
  const entry = { name: ID, version: "1.0.0", type: "module", openclaw: { extensions: ["./index.js"] } };
  await writeFile(join(folder, "package.json"), JSON.stringify(entry));
  await writeFile(join(folder, "index.js"), source(diary, forbidden, reason));
  return {
    addTo: (config) => {
      const plugins = config.plugins ?? {};
      const entries = { ...(plugins.entries as object | undefined), [ID]: { enabled: true } };
      config.plugins = { ...plugins, load: { paths: [folder] }, entries };
    },
    told: async () => {
      if (!existsSync(diary)) return [];
      const lines = (await readFile(diary, "utf8")).trim().split("\n");
      return lines.map((line) => JSON.parse(line) as Told);
    },
  };
}

function source(diary: string, forbidden: string, reason: string): string {
  return `
import { appendFileSync } from "node:fs";
const note = (hook) => (event, context) =>
  appendFileSync(${JSON.stringify(diary)}, JSON.stringify({ hook, event, context }) + "\\n");
export default {
  id: ${JSON.stringify(ID)},
  name: "House rules",
  register(api) {
    api.on("before_tool_call", ({ toolName, params }) =>
      toolName === "read" && JSON.stringify(params).includes(${JSON.stringify(forbidden)})
        ? { block: true, blockReason: ${JSON.stringify(reason)} }
        : undefined);
    for (const hook of ["subagent_spawned", "subagent_ended"]) api.on(hook, note(hook));
  },
};
`;
}

const ID = "house-rules";
