/** `read`: a file's text, whole or a range of its lines. */

import type { FileHandle } from "node:fs/promises";
import { InprocessError } from "../../errors.ts";
import type { ToolOutput } from "../../host.ts";
import { LineWindow } from "./line-window.ts";
import { createPacer } from "./pacer.ts";
import { looksBinary, readChunks } from "./read-chunks.ts";
import { counted, MAX_OUTPUT_BYTES, optionalCount, shownPath, textArg, textOutput, type WorkerTool } from "./tool.ts";
import type { LazyWorkspace, Workspace } from "./workspace.ts";

/** `details`: `{ path, bytes, lines?, from, to }`; `lines` is missing when a large file wasn't read to its end. */
export function readTool(workspace: LazyWorkspace): WorkerTool {
  return {
    name: "read",
    label: "Read file",
    description:
      `Read a text file of the workspace. Gives at most ${MAX_LINES} lines or ${MAX_OUTPUT_BYTES / 1024} KB; when that isn't ` +
      "the whole file, the last line says which lines of how many these are: read on with offset.",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string", description: "File to read, relative to the workspace" },
        offset: { type: "integer", minimum: 1, description: "First line to give, counted from 1" },
        limit: { type: "integer", minimum: 1, description: "How many lines to give" },
      },
      required: ["path"],
    },
    subject: (args) => args.path,
    async run(args, signal) {
      const input = textArg("read", args, "path");
      const offset = optionalCount("read", args, "offset", Number.MAX_SAFE_INTEGER) ?? 1;
      const limit = optionalCount("read", args, "limit", MAX_LINES) ?? MAX_LINES;
      return readLines(await workspace(), input, { offset, limit }, signal);
    },
  };
}

async function readLines(
  workspace: Workspace,
  input: string,
  range: { offset: number; limit: number },
  signal: AbortSignal,
): Promise<ToolOutput> {
  const located = workspace.locate(input);
  const { handle, stat } = await workspace.guard(located, () => workspace.root.open(located));
  try {
    return await pageOf(shownPath(located), handle, stat.size, range, signal);
  } finally {
    await handle.close();
  }
}

async function pageOf(
  path: string,
  handle: FileHandle,
  bytes: number,
  range: { offset: number; limit: number },
  signal: AbortSignal,
): Promise<ToolOutput> {
  const window = new LineWindow({ first: range.offset, maxLines: range.limit, maxBytes: MAX_OUTPUT_BYTES });
  const pace = createPacer(signal);
  let position = 0;
  for await (const chunk of readChunks(handle, bytes)) {
    await pace();
    if (position === 0 && looksBinary(chunk)) return binary(path, bytes);
    window.push(chunk);
    position += chunk.length;
    // Counting the lines of a huge file to its end would only make the caller wait.
    if (window.full && position >= COUNTED_BYTES) return page(path, bytes, window);
  }
  window.end();
  if (bytes === 0) return textOutput(`[${path} is empty]`, { path, bytes, lines: 0, from: 0, to: 0 });
  if (range.offset > window.linesSeen) {
    throw new InprocessError(
      "params_invalid",
      `${path} has ${counted(window.linesSeen, "line")}, so there is nothing from line ${range.offset} on; give a smaller offset.`,
    );
  }
  return page(path, bytes, window, window.linesSeen);
}

function page(path: string, bytes: number, window: LineWindow, lines?: number): ToolOutput {
  const { first: from, last: to } = window;
  const text = [window.text()];
  if (window.cutLineBytes > 0) {
    text.push(`[line ${from} is too long: ${window.cutLineBytes} bytes of it are left out]`);
  }
  const whole = from === 1 && to === lines;
  if (!whole) {
    if (to !== lines) text.push(`[go on with offset=${to + 1}]`);
    text.push(`[lines ${from}-${to} of ${lines ?? `more than ${to}`}]`);
  }
  return textOutput(text.join("\n") || "[one empty line]", {
    path,
    bytes,
    from,
    to,
    ...(lines === undefined ? {} : { lines }),
  });
}

function binary(path: string, bytes: number): ToolOutput {
  const text = `${path} is a binary file of ${bytes} bytes, so there is no text to show.`;
  return {
    content: [{ type: "text", text }],
    details: { code: "tool_error", path, bytes, binary: true },
    isError: true,
  };
}

const MAX_LINES = 2000;
const COUNTED_BYTES = 10 * 1024 * 1024;
