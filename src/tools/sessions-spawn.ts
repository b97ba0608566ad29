/** The tool `sessions_spawn`: a model's arguments in, a run started, and told at once. */

import { createHash } from "node:crypto";
import { z } from "zod";
import { AS_IT_IS, LATER } from "../policy/spawn-params.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import type { Requester } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

export function sessionsSpawnTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "sessions_spawn",
    label: "Spawn subagent",
    description:
      "Hand a task to a subagent that works apart from you, with tools and a context of its own. Answers at once; the result comes to you later as a message by itself. Several calls in one turn work side by side. Give the subagent everything it needs to know in `task`.",
    schema: spawnSchema,
    tidy: tidySpawn,
    async call(args, toolCallId) {
      const { timeoutSeconds, runtime: _subagent, thread: _unbound, ...params } = args;
      const seconds = params.runTimeoutSeconds ?? timeoutSeconds;
      const spawn = { ...params, ...(seconds === undefined ? {} : { runTimeoutSeconds: seconds }) };
      // Call ids repeat from turn to turn with some model servers, and from answer to answer: one alone names no call.
      const { turnId } = requester;
      const idempotencyKey = `${turnId}:${toolCallId}:${fingerprint(spawn)}`;
      return runtime.spawn(spawn, requester, turnId === undefined ? {} : { idempotencyKey });
    },
  });
}

/** Models fill optional arguments with null, "" or no attachments; and write an agent's id as it is shown to them. */
function tidySpawn(args: unknown): unknown {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return args;
  const given = Object.entries(args).filter(([name, value]) => name === "task" || !isNothing(name, value));
  return Object.fromEntries(given.map(([name, value]) => [name, tidyValue(name, value)]));
}

function tidyValue(name: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (name === "agentId") return value.trim().toLowerCase();
  if (name === "thinking") return THINKING_WORDS[value.trim().toLowerCase()] ?? value.trim().toLowerCase();
  // It names a run in lists; a model that writes a sentence means no harm.
  return name === "label" ? [...value.trim()].slice(0, LABEL_CHARS).join("") : value;
}

/** An empty list of tools is something: it allows none. */
function isNothing(name: string, value: unknown): boolean {
  if (Array.isArray(value)) return name === "attachments" && value.length === 0;
  return value === null || (typeof value === "string" && value.trim() === "");
}

function fingerprint(spawn: object): string {
  return createHash("sha256").update(JSON.stringify(spawn)).digest("hex").slice(0, 16);
}

const short = (max: number) => z.string().trim().min(1).max(max);

const spawnSchema = z
  .looseObject({
    task: z.string({ error: "say what the subagent is to do" }).trim().min(1, "say what the subagent is to do"),
    label: short(200).optional().describe("A short name, shown in lists and with the result."),
    taskName: z
      .string()
      .regex(
        /^(?!(?:last|all)$)[a-z][a-z0-9_-]{0,63}$/,
        "use a-z, 0-9, _ and -, at most 64, beginning with a letter, and not `last` or `all`",
      )
      .optional()
      .describe("A handle to name the subagent by later."),
    agentId: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "use a-z, 0-9, _ and -, at most 64, beginning with a letter or digit")
      .optional()
      .describe("Another configured agent; yours when left out."),
    model: short(200).optional().describe("provider/model; the configured one when left out."),
    thinking: z.enum(["off", "minimal", "low", "medium", "high", "xhigh", "max"]).optional(),
    cwd: short(4096).optional().describe("A folder inside the workspace to work in."),
    runTimeoutSeconds: z.number().min(0).optional().describe("Stop the subagent after so many seconds; 0 = never."),
    timeoutSeconds: z.number().min(0).optional().describe("The same as runTimeoutSeconds."),
    thread: z.boolean().optional(),
    mode: z.enum(["run", "session"]).optional(),
    cleanup: z.enum(["delete", "keep"]).optional(),
    expectsCompletionMessage: z.boolean().optional().describe("false: nothing is announced when it ends."),
    toolsAllow: z.array(z.string()).optional().describe("Only these of the tools it would have."),
    toolsDeny: z.array(z.string()).optional(),
    isolation: z.enum(["thread", "dedicated", "process"]).optional(),
    runtime: z.enum(["subagent", "acp"]).optional(),
  })
  .superRefine((args, context) => {
    for (const [name, why] of Object.entries(refusals(args)))
      context.addIssue({ code: "custom", path: [name], message: why });
  });

/** Parameters of OpenClaw's that this runtime has no part in, and those that aren't here yet: each refused by name. */
function refusals(args: Record<string, unknown>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(args)) {
    if (Object.hasOwn(AS_IT_IS, name) && AS_IT_IS[name] === value) continue;
    if (SENDING.has(name))
      found[name] = "a subagent sends nothing by itself; use `message` or `sessions_send` for that";
    else if (LATER.has(name)) found[name] = "not available in this runtime; leave it out";
    else if (!KNOWN.has(name)) found[name] = "no such parameter of sessions_spawn";
  }
  if (args["runtime"] === "acp") found["runtime"] = "acp sessions are the gateway's own; this runtime starts subagents";
  if (args["thread"] === true) found["thread"] = "this host has no channel that can bind a thread; leave it out";
  if (args["mode"] === "session")
    found["mode"] = "`session` needs a thread to stay in, which this host can't bind; use `run`";
  return found;
}

/** Other words that OpenClaw takes. */
const THINKING_WORDS: Record<string, string> = {
  none: "off",
  min: "minimal",
  on: "low",
  mid: "medium",
  med: "medium",
  highest: "high",
  "x-high": "xhigh",
};
const LABEL_CHARS = 100;
const SENDING = new Set(["target", "transport", "channel", "to", "threadId", "thread_id", "replyTo", "reply_to"]);
const KNOWN = new Set(
  "task label taskName agentId model thinking cwd runTimeoutSeconds timeoutSeconds thread mode cleanup expectsCompletionMessage toolsAllow toolsDeny isolation runtime".split(
    " ",
  ),
);
