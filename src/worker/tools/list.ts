/** `list`: what is in one folder. */

import { InprocessError } from "../../errors.ts";
import { createPacer } from "./pacer.ts";
import { folderEntries } from "./folder-entries.ts";
import { linesThatFit, optionalCount, optionalText, shownPath, textOutput, type WorkerTool } from "./tool.ts";
import type { LazyWorkspace } from "./workspace.ts";

/** `details`: `{ path, entries, total }`. */
export function listTool(workspace: LazyWorkspace): WorkerTool {
  return {
    name: "list",
    label: "List folder",
    description:
      `List a folder of the workspace, sorted, one name a line; folders end with "/". Without .git and node_modules. ` +
      `At most ${DEFAULT_ENTRIES} names.`,
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", description: "Folder to list, relative to the workspace; the workspace when left out" },
        limit: { type: "integer", minimum: 1, description: `How many names to give; ${DEFAULT_ENTRIES} when left out` },
      },
    },
    subject: (args) => args.path ?? ".",
    async run(args, signal) {
      const input = optionalText("list", args, "path") ?? "";
      const limit = optionalCount("list", args, "limit", MAX_ENTRIES) ?? DEFAULT_ENTRIES;
      const opened = await workspace();
      const folder = await opened.inspect(opened.locate(input));
      const path = shownPath(folder.located);
      if (folder.kind !== "folder") throw new InprocessError("tool_error", `list: ${path} is a file; read shows it.`);
      const names = (await folderEntries(folder.absolute, createPacer(signal))).map((entry) =>
        entry.kind === "folder" ? `${shownPath(entry.name)}/` : shownPath(entry.name),
      );
      const shown = linesThatFit(names.slice(0, limit));
      const details = { path, entries: shown.length, total: names.length };
      if (names.length === 0) return textOutput(`[${path} is empty]`, details);
      if (shown.length < names.length) shown.push(`[${shown.length} of ${names.length} entries; raise limit for more]`);
      return textOutput(shown.join("\n"), details);
    },
  };
}

const DEFAULT_ENTRIES = 500;
const MAX_ENTRIES = 10_000;
