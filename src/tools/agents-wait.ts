/** The tool `agents_wait`: the results of children that are fetched, as many as have come. */

import { z } from "zod";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { wholeStart } from "../sessions/clip.ts";
import { BLOCK_CHARS } from "../sessions/history-view.ts";
import type { BudgetUse, Completion, Requester } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

/**
 * Over as soon as one of the runs has ended (with mode `all`: when all have), none is left to wait for, or the time is
 * up; what is there by then is the answer. A run that was fetched before is given again.
 */
export function agentsWaitTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "agents_wait",
    label: "Wait for results",
    description:
      "Wait for subagents by their run ids and get their results; this is how the results of those started with `collect: true` are fetched. Comes back as soon as one of them has ended, or when the time is up. Call it again with the ids in `pending` until none is left.",
    schema: waitSchema,
    async call({ ids, timeoutSeconds, mode }, _toolCallId, signal) {
      const most = runtime.waitSecondsMax(requester);
      if (timeoutSeconds !== undefined && timeoutSeconds > most) {
        const error = `agents_wait: timeoutSeconds: at most ${most} (tools.swarm.waitTimeoutSecondsMax); wait again for what is still pending then`;
        return { status: "error", code: "params_invalid", error };
      }
      const seconds = timeoutSeconds ?? Math.min(DEFAULT_SECONDS, most);
      const waited = await runtime.wait(ids, requester, { mode, timeoutMs: seconds * 1000, signal });
      const { fitting, left } = asManyAsFit(waited.completed);
      return {
        completed: fitting,
        pending: [...left, ...waited.pending],
        ...(waited.errors.length === 0 ? {} : { errors: waited.errors }),
      };
    },
  });
}

const waitSchema = z.object({
  ids: z.array(z.string().trim().min(1)).min(1).max(1000).describe("Their run ids."),
  timeoutSeconds: z.number().min(0).optional().describe("30 when left out; 0 looks and returns."),
  mode: z.enum(["any", "all"]).default("any").describe("all: come back when every one of them has ended."),
});

type Row = {
  runId: string;
  status: "done" | "failed" | "killed" | "timeout";
  result: string;
  structured?: unknown;
  error?: string;
  schemaError?: string;
  sessionKey: string;
  label?: string;
  usage: { inputTokens: number; outputTokens: number };
  /** What was used of what, for a run under a budget. */
  budget?: BudgetUse;
};

/** In their order. `left` have ended and are too much for one answer: the next call has them at once. */
function asManyAsFit(completed: readonly Completion[]): { fitting: Row[]; left: string[] } {
  const fitting: Row[] = [];
  let bytes = 0;
  for (const [index, completion] of completed.entries()) {
    const row = rowOf(completion);
    bytes += Buffer.byteLength(JSON.stringify(row));
    if (bytes > ANSWER_BYTES && fitting.length > 0) {
      return { fitting, left: completed.slice(index).map(({ runId }) => runId) };
    }
    fitting.push(row);
  }
  return { fitting, left: [] };
}

function rowOf(completion: Completion): Row {
  const { runId, outcome, structured, schemaError, childSessionKey, label, usage, budget } = completion;
  return {
    runId,
    status: STATUS[outcome.status],
    result: shortened(completion),
    ...(structured === undefined ? {} : { structured }),
    ...(outcome.cause === undefined ? {} : { error: outcome.cause.message }),
    ...(schemaError === undefined ? {} : { schemaError }),
    sessionKey: childSessionKey,
    ...(label === undefined ? {} : { label }),
    // What was read from a cache is input as well.
    usage: { inputTokens: usage.input + usage.cacheRead + usage.cacheWrite, outputTokens: usage.output },
    ...(budget === undefined ? {} : { budget }),
  };
}

/** In the words of a completion's block, and with what the tool that comes to mind would give. */
function shortened({ text, textBytesCut = 0 }: Completion): string {
  const kept = wholeStart(text, RESULT_CHARS);
  const cut = text.length - kept.length;
  if (cut === 0 && textBytesCut === 0) return text;
  const beyond = textBytesCut > 0 ? ` and ${textBytesCut} bytes after them` : "";
  return `${kept}\n[cut: ${cut} characters${beyond} more stand in the transcript; sessions_history shows at most ${BLOCK_CHARS} of a text]`;
}

const STATUS = { ok: "done", error: "failed", interrupted: "failed", timeout: "timeout", killed: "killed" } as const;
const DEFAULT_SECONDS = 30;
const RESULT_CHARS = 32_000;
/** The answer stands in the call's result twice, as text and as `details`, and 1 MiB may enter a thread. */
const ANSWER_BYTES = 400_000;
