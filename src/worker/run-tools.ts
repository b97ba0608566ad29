/** The tools of one run: those that work in the thread, those that work on the host, and the host's policy and count around both. */

import type { EngineTask } from "../channel/protocol.ts";
import type { WorkerEnd } from "../channel/worker-end.ts";
import type { EngineTool } from "./engine.ts";
import { createWorkerTools } from "./files.ts";

/** Host tools take the place of worker tools of the same name. */
export async function createTools(task: EngineTask, end: WorkerEnd): Promise<EngineTool[]> {
  const onHost = new Set(task.hostTools.map((tool) => tool.name));
  const inThread = await createWorkerTools({
    workspaceDir: task.workspaceDir,
    names: task.tools.filter((name) => !onHost.has(name)),
    execTimeoutSeconds: task.execTimeoutSeconds,
    execEnv: task.execEnv,
    onProcess: (pid, alive) => end.post({ type: "process", pid, alive }),
  });
  const tools = [...inThread, ...task.hostTools.map((spec) => hostTool(spec, end))];
  const judged = task.askBeforeToolCall ? tools.map((tool) => asking(tool, end)) : tools;
  return task.counted === true ? judged.map((tool) => counted(tool, end)) : judged;
}

function hostTool(spec: EngineTask["hostTools"][number], end: WorkerEnd): EngineTool {
  return {
    name: spec.name,
    label: spec.label ?? spec.name,
    description: spec.description,
    parameters: spec.parameters,
    describe: (args) => describeArgs(args),
    execute: (toolCallId, args, signal) => end.request("tool", { toolCallId, tool: spec.name, args }, signal),
  };
}

function asking(tool: EngineTool, end: WorkerEnd): EngineTool {
  return {
    ...tool,
    async execute(toolCallId, args, signal) {
      const verdict = await end.request("verdict", { toolCallId, tool: tool.name, args }, signal);
      if (verdict.allow) return tool.execute(toolCallId, changed(verdict.args) ?? args, signal);
      return { content: [{ type: "text", text: verdict.reason }], details: { code: "tool_blocked" }, isError: true };
    },
  };
}

/** The host counts the call before it is made. One it refuses has failed like any other; the next model call ends the run. */
function counted(tool: EngineTool, end: WorkerEnd): EngineTool {
  return {
    ...tool,
    async execute(toolCallId, args, signal) {
      await end.request("tool_call", { tool: tool.name }, signal);
      return tool.execute(toolCallId, args, signal);
    },
  };
}

/** A policy may put other arguments in the place of a call's own. */
function changed(args: unknown): Record<string, unknown> | undefined {
  return typeof args === "object" && args !== null ? (args as Record<string, unknown>) : undefined;
}

/** The first short text among the arguments: a label before a task, a target before a message. */
function describeArgs(args: unknown): string {
  if (typeof args !== "object" || args === null) return "";
  const named = args as Record<string, unknown>;
  const value = DESCRIBING.map((name) => named[name]).find((v) => typeof v === "string") ?? "";
  return value.replace(/\s+/g, " ").slice(0, 80);
}

const DESCRIBING = ["label", "taskName", "target", "path", "action", "sessionKey", "task", "message"];
