/** `write`: a whole file, made or replaced in one step. */

import { InprocessError } from "../../errors.ts";
import { shownPath, textArg, textOutput, type WorkerTool } from "./tool.ts";
import type { LazyWorkspace, Workspace } from "./workspace.ts";

/** `details`: `{ path, bytes, created }`. */
export function writeTool(workspace: LazyWorkspace): WorkerTool {
  return {
    name: "write",
    label: "Write file",
    description: "Write a file of the workspace; it is replaced when it is there. Missing folders are made.",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", description: "File to write, relative to the workspace" },
        content: { type: "string", description: "The whole new content" },
      },
      required: ["path", "content"],
    },
    subject: (args) => args.path,
    async run(args, signal) {
      const input = textArg("write", args, "path");
      const content = textArg("write", args, "content");
      const opened = await workspace();
      const located = opened.locate(input);
      const bytes = checkedBytes("write", located, content);
      const created = await replaceFile(opened, located, content, signal);
      const path = shownPath(located);
      const verb = created ? "Made" : "Replaced";
      return textOutput(`${verb} ${path}: ${bytes} bytes written.`, { path, bytes, created });
    },
  };
}

/** Bytes of the content as UTF-8. @throws InprocessError `payload_too_large` over 5 MB */
export function checkedBytes(tool: string, located: string, content: string): number {
  const bytes = Buffer.byteLength(content);
  if (bytes <= MAX_WRITTEN_BYTES) return bytes;
  throw new InprocessError(
    "payload_too_large",
    `${tool} refuses ${bytes} bytes for ${shownPath(located)}: at most ${MAX_WRITTEN_BYTES} go into one file.`,
  );
}

/**
 * Atomic: readers see the old file or the new one. An existing file keeps its mode.
 * `unchanged` may throw to call the write off; it is asked right before each step.
 * @returns whether the file wasn't there before
 */
export async function replaceFile(
  workspace: Workspace,
  located: string,
  content: string,
  signal: AbortSignal,
  unchanged?: () => void,
): Promise<boolean> {
  return workspace.guard(located, async () => {
    const created = !(await workspace.root.exists(located));
    await workspace.root.write(located, content, {
      // fs-safe's own default for new files is private to the user, which is odd for a file in a project.
      ...(created ? { mode: 0o666 & ~process.umask() } : {}),
      assertBeforeMutation: () => {
        signal.throwIfAborted();
        unchanged?.();
      },
    });
    return created;
  });
}

/** Bytes of content `write` and `edit` take. */
export const MAX_WRITTEN_BYTES = 5 * 1024 * 1024;
