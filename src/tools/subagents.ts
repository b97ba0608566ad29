/** The tool `subagents`: what became of the children, telling them something, waiting for some, ending them. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { labelOf } from "../sessions/shown-label.ts";
import type { Requester, RunView } from "../types.ts";
import { jsonTool } from "./json-tool.ts";
import { endedRun, isActive, runRow, shownResult, statusWord } from "./run-row.ts";
import { meant, remember } from "./shown-lists.ts";

export function subagentsTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "subagents",
    label: "Subagents",
    description:
      "Work with the subagents this session started. `list` shows them; `steer` tells one something while it works (it goes on with what it has done), or gives one that stays a follow-up; `kill` or `cancel` ends one with everything it started. Results come by themselves: don't list in order to wait. `wait` is for when your very next step needs one of them.",
    schema: subagentsSchema,
    async call(args, _toolCallId, signal) {
      switch (args.action) {
        case "list":
          return list(runtime, requester, args.recentMinutes);
        case "wait":
          return wait(runtime, requester, args, signal);
        case "steer":
          return steer(runtime, requester, args);
        default:
          return end(runtime, requester, args);
      }
    },
  });
}

const subagentsSchema = z.object({
  action: z.enum(["list", "kill", "steer", "wait", "cancel"]).default("list"),
  target: z
    .string()
    .optional()
    .describe(
      "For kill, cancel and steer: number in the list, run id or at least its first 8 characters, session key, taskName or label or its beginning, or `last`; for kill and cancel also `all`.",
    ),
  message: z.string().optional().describe("For steer: what the subagent is to know, at most 4,000 characters."),
  interrupt: z
    .boolean()
    .optional()
    .describe("For steer: end what it is doing at once and let it begin again with the message. false when left out."),
  taskIds: z.array(z.string()).min(1).max(32).optional().describe("For wait and cancel: run ids."),
  timeoutSeconds: z.number().min(0).max(60).default(30).describe("For wait; 0 looks and returns."),
  recentMinutes: z.int().min(1).max(1440).default(30).describe("How far back ended ones are listed."),
});

type Args = z.output<typeof subagentsSchema>;
type Answer = Promise<Record<string, unknown>>;

async function list(runtime: SubagentRuntime, requester: Requester, recentMinutes: number): Answer {
  const runs = await runtime.list(requester, { recentMinutes });
  const ids = runs.map((run) => run.runId);
  remember(runtime, requester.sessionKey, ids);
  const rows = (of: RunView[]) => of.map((run) => runRow(run, runs.indexOf(run) + 1));
  return {
    status: "ok",
    action: "list",
    requesterSessionKey: requester.sessionKey,
    callerSessionKey: requester.sessionKey,
    callerIsSubagent: (requester.depth ?? 0) > 0,
    total: runs.length,
    active: rows(runs.filter(isActive)),
    recent: rows(runs.filter((run) => !isActive(run))),
    text: runs.length === 0 ? "No subagents." : runs.map(line).join("\n"),
  };
}

function line(run: RunView, index: number): string {
  return `${index + 1}. ${labelOf(run)}: ${statusWord(run)}`;
}

async function steer(runtime: SubagentRuntime, requester: Requester, args: Args): Answer {
  const { target, message, interrupt = false } = args;
  if (target === undefined) return missing("steer", "target", "say which subagent to tell");
  if (message === undefined) return missing("steer", "message", "say what to tell it");
  const run = meant(runtime, requester.sessionKey, target);
  return { action: "steer", target, ...(await runtime.steer(run, message, requester, { interrupt })) };
}

async function end(runtime: SubagentRuntime, requester: Requester, { action, target, taskIds }: Args): Answer {
  const targets = target === undefined ? (taskIds ?? []) : [target];
  if (targets.length === 0) return missing(action, "target", "say which one to end");
  const results = await Promise.all(
    targets.map(async (named) => ({
      action,
      target: named,
      ...(await runtime.kill(meant(runtime, requester.sessionKey, named), requester)),
    })),
  );
  const [only] = results;
  if (results.length === 1) return only!;
  const failed = results.find((result) => result.status !== "ok" && result.status !== "done");
  const text = results.map((result) => result.text).join(" ");
  return { status: failed?.status ?? "ok", action, taskIds: targets, results, text };
}

/** Over as soon as one of them has ended, or turns out not to be there. What has ended is announced all the same. */
async function wait(runtime: SubagentRuntime, requester: Requester, args: Args, signal: AbortSignal): Answer {
  const ids = args.taskIds ?? (args.target === undefined ? [] : [args.target]);
  if (ids.length === 0) return missing("wait", "taskIds", "say which ones to wait for");
  const looked = await runtime.wait(ids, requester, { timeoutMs: 0 });
  const { completed, pending, errors } =
    looked.errors.length > 0 || looked.completed.length > 0
      ? looked
      : await runtime.wait(ids, requester, { mode: "any", timeoutMs: args.timeoutSeconds * 1000, signal });
  const runs = await runtime.list(requester, { recentMinutes: KEPT_MINUTES, descendants: true });
  const tasks = [...new Set(ids)].flatMap((id) => {
    const result = completed.find(({ runId }) => runId === id);
    const run = runs.find(({ runId }) => runId === id);
    if (result === undefined) return run === undefined ? [] : [runRow(run, runs.indexOf(run) + 1)];
    // The list has only the newest run of each session.
    const newest = runs.findIndex(({ childSessionKey }) => childSessionKey === result.childSessionKey);
    const shown = run ?? endedRun(result, runs[newest]);
    return [{ ...runRow(shown, newest + 1, result.runtimeMs), ...shownResult(result, shown) }];
  });
  const nothing = pending.length > 0 ? "None of them has ended." : "None of them is there.";
  const reason = errors.length > 0 ? "unavailable" : completed.length > 0 ? "completed" : "timeout";
  return {
    status: "ok",
    action: "wait",
    reason,
    tasks,
    ...(errors.length === 0 ? {} : { errors }),
    text: tasks.map((task) => `${task.label}: ${task.status}`).join("\n") || nothing,
  };
}

function missing(action: string, argument: string, what: string): Record<string, unknown> {
  const error = `subagents: ${argument}: ${what}`;
  return { status: "error", action, code: "params_invalid", error, text: error };
}

/** A result that wasn't delivered is kept for a week. */
const KEPT_MINUTES = 7 * 1440;
