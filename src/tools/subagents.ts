/** The tool `subagents`: what became of the children, and ending them. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester, RunView } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

export function subagentsTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "subagents",
    label: "Subagents",
    description:
      "List the subagents this session started, or kill one (with everything it started). Results come by themselves: don't list in order to wait.",
    schema: subagentsSchema,
    async call({ action, target, recentMinutes }) {
      if (action === "list") return list(await runtime.list(requester, { recentMinutes }), requester);
      if (target === undefined)
        return { status: "error", code: "params_invalid", error: "subagents: target: say which one to kill" };
      return { action, target, ...(await runtime.kill(target, requester)) };
    },
  });
}

const subagentsSchema = z.object({
  action: z.enum(["list", "kill"]).default("list"),
  target: z.string().optional().describe("For kill: run id or its beginning, session key, label, `last` or `all`."),
  recentMinutes: z.int().min(1).max(1440).default(30).describe("How far back ended ones are listed."),
});

function list(runs: RunView[], requester: Requester): Record<string, unknown> {
  const rows = runs.map((run, index) => row(run, index + 1));
  const isActive = (at: number): boolean => runs[at]!.state !== "settled" || runs[at]!.pendingDescendants > 0;
  const active = rows.filter((_, at) => isActive(at));
  const recent = rows.filter((_, at) => !isActive(at));
  return {
    status: "ok",
    action: "list",
    requesterSessionKey: requester.sessionKey,
    callerSessionKey: requester.sessionKey,
    callerIsSubagent: (requester.depth ?? 0) > 0,
    total: rows.length,
    active,
    recent,
    text:
      rows.length === 0 ? "No subagents." : rows.map((one) => `${one.index}. ${one.label}: ${one.status}`).join("\n"),
  };
}

function row(run: RunView, index: number) {
  const until = run.endedAt ?? Date.now();
  const runtimeMs = run.startedAt === undefined ? 0 : until - run.startedAt;
  return {
    index,
    runId: run.runId,
    sessionKey: run.childSessionKey,
    label: run.label ?? run.task.slice(0, 60),
    task: run.task.slice(0, 200),
    status: statusWord(run),
    pendingDescendants: run.pendingDescendants,
    runtime: `${Math.round(runtimeMs / 1000)}s`,
    runtimeMs,
    model: run.model,
    totalTokens: run.usage.totalTokens,
    startedAt: run.startedAt,
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
  };
}

/** OpenClaw's words: `queued | running | active (waiting on N children) | done | failed | timeout`. */
function statusWord(run: RunView): string {
  if (run.pendingDescendants > 0 && run.state !== "running" && run.state !== "queued") {
    return `active (waiting on ${run.pendingDescendants} children)`;
  }
  if (run.state !== "settled") return run.state === "queued" ? "queued" : "running";
  if (run.outcome?.status === "ok") return "done";
  return run.outcome?.status === "timeout" ? "timeout" : "failed";
}
