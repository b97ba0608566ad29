/** `find`: files by a pattern for their path. */

import { InprocessError } from "../../errors.ts";
import { compileGlob } from "./glob.ts";
import { createPacer } from "./pacer.ts";
import { linesThatFit, optionalCount, optionalText, shownPath, textArg, textOutput, type WorkerTool } from "./tool.ts";
import { walk } from "./walk.ts";
import type { LazyWorkspace } from "./workspace.ts";

/** `details`: `{ files, total, complete }`; `complete` is false when the tree was too large to look through. */
export function findTool(workspace: LazyWorkspace): WorkerTool {
  return {
    name: "find",
    label: "Find files",
    description:
      `Find files of the workspace by a glob such as "*.md" (any folder) or "src/**/*.ts"; the pattern is relative to path. ` +
      `One path a line, relative to the workspace, at most ${DEFAULT_FILES}. Without .git, node_modules and ignored files.`,
    parameters: {
      type: "object",
      properties: {
        pattern: { type: "string", description: "Glob: *, ?, [a-z], {a,b}, ** for any folders" },
        path: {
          type: "string",
          description: "Folder to look in, relative to the workspace; the workspace when left out",
        },
        limit: { type: "integer", minimum: 1, description: `How many paths to give; ${DEFAULT_FILES} when left out` },
      },
      required: ["pattern"],
    },
    subject: (args) => args.pattern,
    async run(args, signal) {
      const pattern = textArg("find", args, "pattern");
      const matches = compileGlob(pattern);
      const input = optionalText("find", args, "path") ?? "";
      const limit = optionalCount("find", args, "limit", MAX_FILES) ?? DEFAULT_FILES;
      const opened = await workspace();
      const { kind, located } = await opened.inspect(opened.locate(input));
      if (kind !== "folder") {
        throw new InprocessError("tool_error", `find: ${shownPath(located)} is a file; give a folder as path.`);
      }
      const prefix = located === "" ? 0 : located.length + 1;
      const found: string[] = [];
      let total = 0;
      let seen = 0;
      for await (const file of walk(opened, located, createPacer(signal))) {
        if (++seen > MAX_SEEN) break;
        if (!matches(file.path.slice(prefix))) continue;
        total += 1;
        if (found.length < limit) found.push(shownPath(file.path));
      }
      return output(pattern, found, total, seen <= MAX_SEEN);
    },
  };
}

function output(pattern: string, found: string[], total: number, complete: boolean) {
  const lines = linesThatFit(found);
  const details = { files: lines.length, total, complete };
  if (total === 0) lines.push(`[no file matches ${shownPath(pattern)}]`);
  else if (lines.length < total) lines.push(`[${lines.length} of ${total} files; narrow the pattern or raise limit]`);
  if (!complete) lines.push(`[only the first ${MAX_SEEN} files were looked at; give a path]`);
  return textOutput(lines.join("\n"), details);
}

const DEFAULT_FILES = 1000;
const MAX_FILES = 10_000;
const MAX_SEEN = 200_000;
