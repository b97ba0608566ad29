/** `edit`: replaces pieces of a file that are named by their exact text. */

import { statSync, type Stats } from "node:fs";
import { InprocessError } from "../../errors.ts";
import type { ToolOutput } from "../../host.ts";
import { applyEdits, type Edit } from "./apply-edits.ts";
import { counted, shownPath, textArg, textOutput, type ToolArgs, type WorkerTool } from "./tool.ts";
import type { LazyWorkspace, Workspace } from "./workspace.ts";
import { checkedBytes, MAX_WRITTEN_BYTES, replaceFile } from "./write.ts";

/** `details`: `{ path, bytes, replacements, firstLine }`. */
export function editTool(workspace: LazyWorkspace): WorkerTool {
  return {
    name: "edit",
    label: "Edit file",
    description:
      "Replace text in a file of the workspace. oldText must be exactly as in the file, blanks included, and must be " +
      "there once only; take more lines around it when it isn't. Several changes to one file go into edits.",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", description: "File to edit, relative to the workspace" },
        oldText: { type: "string", description: "Text to replace" },
        newText: { type: "string", description: "Text to put in its place" },
        edits: {
          type: "array",
          description: "Several replacements, each found in the file as it is now; they may not overlap",
          items: {
            type: "object",
            properties: { oldText: { type: "string" }, newText: { type: "string" } },
            required: ["oldText", "newText"],
          },
        },
      },
      required: ["path"],
    },
    subject: (args) => args.path,
    async run(args, signal) {
      const input = textArg("edit", args, "path");
      const edits = editsOf(args);
      return editFile(await workspace(), input, edits, signal);
    },
  };
}

function editsOf(args: ToolArgs): Edit[] {
  const listed: unknown[] = Array.isArray(args.edits) ? args.edits : [];
  if (listed.length > MAX_EDITS) {
    throw new InprocessError("params_invalid", `edit takes at most ${MAX_EDITS} edits at once; make several calls.`);
  }
  const all = args.oldText === undefined && listed.length > 0 ? listed : [args, ...listed];
  return all.map((edit) => {
    const named = typeof edit === "object" && edit !== null ? (edit as ToolArgs) : {};
    return { oldText: textArg("edit", named, "oldText"), newText: textArg("edit", named, "newText") };
  });
}

async function editFile(workspace: Workspace, input: string, edits: Edit[], signal: AbortSignal): Promise<ToolOutput> {
  const located = workspace.locate(input);
  const path = shownPath(located);
  const before = await workspace.guard(located, () => workspace.root.read(located, { maxBytes: MAX_WRITTEN_BYTES }));
  const { text, firstLine } = applyEdits(decode(path, before.buffer), edits, path);
  const bytes = checkedBytes("edit", located, text);
  await replaceFile(workspace, located, text, signal, () => assertUnchanged(path, before.realPath, before.stat));
  const details = { path, bytes, replacements: edits.length, firstLine };
  return textOutput(
    `Edited ${path}: ${counted(edits.length, "replacement")}, the first at line ${firstLine}.`,
    details,
  );
}

/** A byte order mark stays part of the text, so that it is written back. */
function decode(path: string, buffer: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(buffer);
  } catch (cause) {
    throw new InprocessError("tool_error", `edit leaves ${path} alone: it isn't UTF-8 text.`, { cause });
  }
}

/** Another run may have written the file since it was read; its work isn't overwritten. */
function assertUnchanged(path: string, realPath: string, before: Stats): void {
  const now = statSync(realPath, { throwIfNoEntry: false });
  if (now?.ino === before.ino && now.size === before.size && now.mtimeMs === before.mtimeMs) return;
  throw new InprocessError("tool_error", `edit left ${path} alone: it changed meanwhile; read it and try again.`);
}

const MAX_EDITS = 100;
