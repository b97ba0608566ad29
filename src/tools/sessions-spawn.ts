/** The tool `sessions_spawn`: a model's arguments in, a run started, and told at once. */

import { createHash } from "node:crypto";
import { z } from "zod";
import { SPAWN_PARAMS } from "../policy/spawn-params.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { oneLine } from "../sessions/shown-label.ts";
import type { Requester, SpawnParams } from "../types.ts";
import { jsonTool } from "./json-tool.ts";

export function sessionsSpawnTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "sessions_spawn",
    label: "Spawn subagent",
    description:
      "Hand a task to a subagent that works apart from you, with tools and a context of its own. Answers at once; the result comes to you later as a message by itself. Several calls in one turn work side by side. Give the subagent everything it needs to know in `task`.",
    schema: runtime.capabilities.has("session") ? spawnSchema : spawnSchemaWithoutThreads,
    tidy: tidySpawn,
    async call(args, toolCallId) {
      const { timeoutSeconds, runtime: _subagent, ...params } = args;
      const seconds = params["runTimeoutSeconds"] ?? timeoutSeconds;
      // The runtime checks every value, those of parameters that aren't offered too.
      const spawn = { ...params, ...(seconds === undefined ? {} : { runTimeoutSeconds: seconds }) } as SpawnParams;
      // Call ids repeat from turn to turn with some model servers, and from answer to answer: one alone names no call.
      const { turnId } = requester;
      const idempotencyKey = `${turnId}:${toolCallId}:${fingerprint(spawn)}`;
      return runtime.spawn(spawn, requester, turnId === undefined ? {} : { idempotencyKey });
    },
  });
}

/** Models fill optional arguments, and fields of them, with null, "", no attachments or nowhere to put them; and write an agent's id as it is shown to them. */
function tidySpawn(args: unknown): unknown {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return args;
  const given = Object.entries(args).filter(([name, value]) => name === "task" || !isNothing(name, value));
  return Object.fromEntries(given.map(([name, value]) => [name, tidyValue(name, value)]));
}

function tidyValue(name: string, value: unknown): unknown {
  if (name === "budget" || name === "attachAs") return withoutNothings(value);
  if (name === "attachments" && Array.isArray(value)) return value.map((file) => withoutNothings(file, FILE_NEEDS));
  if (typeof value !== "string") return value;
  if (name === "agentId") return value.trim().toLowerCase();
  if (name === "thinking") return THINKING_WORDS[value.trim().toLowerCase()] ?? value.trim().toLowerCase();
  // It names a run in lists; a model that writes a sentence means no harm.
  return name === "label" ? [...oneLine(value)].slice(0, LABEL_CHARS).join("") : value;
}

/** @param needed names of fields that stay whatever they hold: an empty file is a file, and a missing name is told of */
function withoutNothings(value: unknown, needed: readonly string[] = []): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, field]) => needed.includes(name) || !isNothing("", field)),
  );
}

/** An empty list of tools is something: it allows none. An empty budget is a fault, which is told of. */
function isNothing(name: string, value: unknown): boolean {
  if (Array.isArray(value)) return name === "attachments" && value.length === 0;
  if ((name === "attachAs" || name === "budget") && typeof value === "object" && value !== null) {
    const fields = Object.values(value);
    return (name === "attachAs" || fields.length > 0) && fields.every((field) => isNothing("", field));
  }
  return value === null || (typeof value === "string" && value.trim() === "");
}

function fingerprint(spawn: object): string {
  return createHash("sha256").update(JSON.stringify(spawn)).digest("hex").slice(0, 16);
}

const short = (max: number) => z.string().trim().min(1).max(max);

const SHAPE = {
  task: z.string({ error: "say what the subagent is to do" }).trim().min(1, "say what the subagent is to do"),
  label: short(200).optional().describe("A short name, shown in lists and with the result."),
  taskName: z
    .string()
    .regex(
      /^(?!(?:last|all)$)[a-z][a-z0-9_-]{0,63}$/,
      "use a-z, 0-9, _ and -, beginning with a letter; not `last`, `all`",
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
  thread: z.boolean().optional().describe("Bind it to a thread of this channel."),
  mode: z.enum(["run", "session"]).optional().describe("session: it stays and takes follow-ups; needs thread."),
  cleanup: z.enum(["delete", "keep"]).optional(),
  sandbox: z.enum(["inherit", "require"]).optional(),
  context: z.enum(["isolated", "fork"]).optional().describe("fork: it begins with this conversation."),
  lightContext: z.boolean().optional().describe("It begins without the workspace's AGENTS.md."),
  attachments: z
    .array(
      z.looseObject({
        name: z.string(),
        content: z.string(),
        encoding: z.enum(["utf8", "base64"]).optional(),
        mimeType: z.string().optional(),
      }),
    )
    .optional()
    .describe("Files to put into its workspace, at most 50."),
  attachAs: z.looseObject({ mountPath: z.string().optional() }).optional(),
  expectsCompletionMessage: z.boolean().optional().describe("false: nothing is announced when it ends."),
  completionTarget: z.enum(["parent"]).optional().describe("The result is for you alone and goes to no channel."),
  collect: z.boolean().optional().describe("The result doesn't come by itself: it is fetched by its run id."),
  outputSchema: z.looseObject({}).optional().describe("With collect: the JSON Schema of its answer."),
  groupId: short(128).optional().describe("With collect: the batch it belongs to."),
  toolsAllow: z.array(z.string()).optional().describe("Only these of the tools it would have."),
  toolsDeny: z.array(z.string()).optional(),
  budget: z
    .looseObject({
      tokens: z.number().optional(),
      usd: z.number().optional(),
      turns: z.number().optional(),
      toolCalls: z.number().optional(),
      wallSeconds: z.number().optional(),
    })
    .optional()
    .describe("What it and all below it may use."),
  isolation: z.enum(["thread", "dedicated", "process"]).optional(),
  runtime: z.enum(["subagent", "acp"]).optional(),
};

const spawnSchema = schemaWithout([]);
const spawnSchemaWithoutThreads = schemaWithout(["thread", "mode"]);

/** A model isn't offered what would only be refused. */
function schemaWithout(lacking: string[]) {
  const offered = Object.entries(SHAPE).filter(([name]) => !lacking.includes(name));
  return z.looseObject(Object.fromEntries<z.ZodType>(offered)).superRefine((args, context) => {
    for (const [name, why] of Object.entries(refusals(args)))
      context.addIssue({ code: "custom", path: [name], message: why });
  });
}

/** Names that a spawn doesn't take, each told what to do instead. */
function refusals(args: Record<string, unknown>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(args)) {
    if (SENDING.has(name))
      found[name] = "a subagent sends nothing by itself; use `message` or `sessions_send` for that";
    else if (!SPAWN_PARAMS.has(name) && !OWN.has(name)) found[name] = "no such parameter of sessions_spawn";
  }
  if (args["runtime"] === "acp") found["runtime"] = "acp sessions are the gateway's own; this runtime starts subagents";
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
/** Of an attachment; what else it has may be left out. */
const FILE_NEEDS = ["name", "content"];
const SENDING = new Set(["target", "transport", "channel", "to", "threadId", "thread_id", "replyTo", "reply_to"]);
/** The tool's, and no spawn's. */
const OWN = new Set(["timeoutSeconds", "runtime"]);
