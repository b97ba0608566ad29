/** `search`: lines that match a pattern, in the files below a folder. */

import { InprocessError, isInprocessError } from "../../errors.ts";
import { compileGlob } from "./glob.ts";
import { createLineMatcher } from "./line-matcher.ts";
import { createPacer } from "./pacer.ts";
import { SearchReport } from "./search-report.ts";
import { flag, optionalCount, optionalText, shownPath, textArg, type ToolArgs, type WorkerTool } from "./tool.ts";
import { lineBatches } from "./line-batches.ts";
import { walk } from "./walk.ts";
import type { LazyWorkspace, Workspace } from "./workspace.ts";

/** `details`: `{ matches, files, searched, binary, unreadable, complete }`, numbers but the last. */
export function searchTool(workspace: LazyWorkspace): WorkerTool {
  return {
    name: "search",
    label: "Search in files",
    description:
      "Search the text files of the workspace for lines that match a regular expression (JavaScript's), or a text taken " +
      `as it is with literal. Gives "path:line: text", at most ${DEFAULT_MATCHES} matches; binary and ignored files, .git ` +
      "and node_modules are left out.",
    parameters: {
      type: "object",
      properties: {
        pattern: { type: "string", description: "What a line has to match" },
        path: { type: "string", description: "File or folder to search, relative to the workspace; all when left out" },
        glob: { type: "string", description: 'Only files like this, for instance "*.ts" or "src/**/*.md"' },
        ignoreCase: { type: "boolean", description: "Take small and capital letters for the same" },
        literal: { type: "boolean", description: "Take the pattern as plain text" },
        context: { type: "integer", minimum: 1, description: "Lines to show before and after each match" },
        limit: {
          type: "integer",
          minimum: 1,
          description: `How many matches to give; ${DEFAULT_MATCHES} when left out`,
        },
      },
      required: ["pattern"],
    },
    subject: (args) => args.pattern,
    run: async (args, signal) => search(await workspace(), args, signal),
  };
}

async function search(workspace: Workspace, args: ToolArgs, signal: AbortSignal) {
  const pattern = textArg("search", args, "pattern");
  const matchesOf = createLineMatcher(pattern, {
    literal: flag(args, "literal"),
    ignoreCase: flag(args, "ignoreCase"),
  });
  const glob = optionalText("search", args, "glob");
  const report = new SearchReport({
    pattern,
    context: args.context === 0 ? 0 : (optionalCount("search", args, "context", MAX_CONTEXT) ?? 0),
    limit: optionalCount("search", args, "limit", MAX_MATCHES) ?? DEFAULT_MATCHES,
  });
  const start = await workspace.inspect(workspace.locate(optionalText("search", args, "path") ?? ""));
  if (start.kind === "file") {
    await searchFile(workspace, start.located, matchesOf, report, signal);
    return report.output();
  }
  if (start.kind !== "folder") {
    throw new InprocessError(
      "tool_error",
      `search: ${shownPath(start.located)} is no plain file; give a file or a folder.`,
    );
  }
  const wanted = glob === undefined ? () => true : compileGlob(glob);
  const prefix = start.located === "" ? 0 : start.located.length + 1;
  for await (const file of walk(workspace, start.located, createPacer(signal))) {
    if (report.full) break;
    if (file.kind !== "file" || !wanted(file.path.slice(prefix))) continue;
    try {
      await searchFile(workspace, file.path, matchesOf, report, signal);
    } catch (error) {
      if (signal.aborted || isAboutThePattern(error)) throw error;
      report.unreadable += 1;
    }
  }
  return report.output();
}

async function searchFile(
  workspace: Workspace,
  path: string,
  matchesOf: (lines: readonly string[]) => number[],
  report: SearchReport,
  signal: AbortSignal,
): Promise<void> {
  const { handle, stat } = await workspace.guard(path, () => workspace.root.open(path));
  try {
    report.startFile(shownPath(path));
    const pace = createPacer(signal);
    for await (const lines of lineBatches(handle, stat.size)) {
      await pace();
      if (lines === "binary") return report.skipBinary();
      report.addLines(lines, matchesOf(lines));
      if (report.done) return;
    }
  } finally {
    await handle.close();
  }
}

function isAboutThePattern(error: unknown): boolean {
  return isInprocessError(error) && error.code === "params_invalid";
}

const DEFAULT_MATCHES = 100;
const MAX_MATCHES = 1000;
const MAX_CONTEXT = 10;
