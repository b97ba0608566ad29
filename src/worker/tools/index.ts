/** The tools a run has in its own thread. Files are confined to the workspace; commands are not, and so are off by default. */

import { causeOf, messageOf, type Cause } from "../../errors.ts";
import type { ToolOutput } from "../../host.ts";
import type { EngineTool } from "../engine.ts";
import { editTool } from "./edit.ts";
import { execTool } from "./exec.ts";
import { findTool } from "./find.ts";
import { listTool } from "./list.ts";
import { readTool } from "./read.ts";
import { searchTool } from "./search.ts";
import { oneLine, type WorkerTool } from "./tool.ts";
import { lazyWorkspace } from "./workspace.ts";
import { writeTool } from "./write.ts";

/** Every worker tool there is, in the order a model is shown them. */
export const WORKER_TOOL_NAMES = ["read", "write", "edit", "list", "find", "search", "exec"] as const;

export type WorkerToolOptions = {
  /** Absolute path; may itself be reached through links. Looked at when a tool first needs it. */
  workspaceDir: string;
  /** Which tools are wanted; names of other tools are passed over. */
  names: string[];
  /** Seconds a command may run; the model may ask for less. (> 0) */
  execTimeoutSeconds: number;
  /** Where a command's environment is taken from; only the few variables every program needs are used. @default {} */
  execEnv?: Record<string, string>;
  /** Told of each process `exec` starts (`alive`), and again when it has ended. */
  onProcess: (pid: number, alive: boolean) => void;
};

/** The wanted tools. Their calls never reject: what goes wrong is an output with `isError` and `details.code`. */
export async function createWorkerTools(options: WorkerToolOptions): Promise<EngineTool[]> {
  const workspace = lazyWorkspace(options.workspaceDir);
  const tools = [
    readTool(workspace),
    writeTool(workspace),
    editTool(workspace),
    listTool(workspace),
    findTool(workspace),
    searchTool(workspace),
    execTool(workspace, {
      timeoutSeconds: options.execTimeoutSeconds,
      env: options.execEnv ?? {},
      onProcess: options.onProcess,
    }),
  ];
  return tools.filter((tool) => options.names.includes(tool.name)).map(toEngineTool);
}

function toEngineTool(tool: WorkerTool): EngineTool {
  return {
    name: tool.name,
    label: tool.label,
    description: tool.description,
    parameters: tool.parameters,
    changesThings: CHANGING.has(tool.name),
    describe: (args) => oneLine(tool.subject(recordOf(args))),
    async execute(_toolCallId, args, signal) {
      try {
        signal.throwIfAborted();
        return await tool.run(recordOf(args), signal);
      } catch (error) {
        return signal.aborted ? stopped(tool.name) : failed(tool.name, error);
      }
    },
  };
}

const CHANGING: ReadonlySet<string> = new Set(["write", "edit", "exec"]);

function recordOf(args: unknown): Record<string, unknown> {
  return typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {};
}

function stopped(tool: string): ToolOutput {
  return errorOutput({ code: "tool_error", message: `${tool} was stopped before it was done.` });
}

function failed(tool: string, error: unknown): ToolOutput {
  const cause = causeOf(error, "tool_error");
  if (cause.code !== "tool_error") return errorOutput(cause);
  const message = messageOf(error);
  return errorOutput({ code: cause.code, message: message.startsWith(tool) ? message : `${tool} failed: ${message}` });
}

function errorOutput({ code, message }: Cause): ToolOutput {
  return { content: [{ type: "text", text: message }], details: { code }, isError: true };
}
