/** The tool `sessions_list`: the sessions below this one, and for a session of the host's the host's own. */

import { z } from "zod";
import type { SessionView } from "../host.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { sessionKind } from "../sessions/session-key.ts";
import { labelOf } from "../sessions/shown-label.ts";
import type { HistoryMessage, Requester, RunView } from "../types.ts";
import { jsonTool } from "./json-tool.ts";
import { runtimeMs, statusWord } from "./run-row.ts";

export function sessionsListTool(runtime: SubagentRuntime, requester: Requester) {
  return jsonTool({
    name: "sessions_list",
    label: "Sessions",
    description:
      "List the sessions you can reach, newest first: subagents you started and those below them, at work or ended within the last day. For what a subagent said, use `sessions_history`.",
    schema: listSchema,
    async call({ kinds, limit, activeMinutes: asked, messageLimit }) {
      const activeMinutes = asked ?? DAY_MINUTES;
      const since = Date.now() - activeMinutes * 60_000;
      const [runs, others] = await Promise.all([
        runtime.list(requester, { recentMinutes: activeMinutes, descendants: true }),
        // Of some kinds there may be few among the newest.
        runtime.hostSessions(requester, kinds === undefined ? { limit } : {}),
      ]);
      // One that stays is listed however long it has been idle, unless it is asked for those that weren't.
      const ours = runs.map(childRow).filter(({ updatedAt }) => asked === undefined || updatedAt >= since);
      const keys = new Set(ours.map((row) => row.key));
      const rest = others.filter(({ sessionKey, updatedAt }) => !keys.has(sessionKey) && (updatedAt ?? since) >= since);
      const sessions = [...ours, ...rest.map(hostRow)]
        .filter(
          (row) => kinds === undefined || kinds.includes(row.kind) || (keys.has(row.key) && kinds.includes("subagent")),
        )
        .sort((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0))
        .slice(0, limit);
      return { count: sessions.length, sessions: await withMessages(runtime, requester, sessions, keys, messageLimit) };
    },
  });
}

const listSchema = z.object({
  kinds: z.array(z.string()).optional().describe("Only these: `main`, `other`; `subagent` for subagents alone."),
  limit: z.int().min(1).max(200).default(50),
  activeMinutes: z
    .number()
    .min(1)
    .optional()
    .describe("Only those active within so many minutes; a day when left out."),
  messageLimit: z.int().min(0).max(20).default(0).describe("Also so many of each subagent's last messages."),
});

type SessionRow = ReturnType<typeof childRow> | ReturnType<typeof hostRow>;

function childRow(run: RunView) {
  return {
    key: run.childSessionKey,
    kind: "other",
    agentId: run.agentId,
    label: labelOf(run),
    runId: run.runId,
    spawnedBy: run.requesterSessionKey,
    status: statusWord(run),
    updatedAt: run.state === "settled" ? (run.endedAt ?? run.createdAt) : Date.now(),
    runtimeMs: runtimeMs(run),
    ...(run.model === undefined ? {} : { model: run.model }),
    totalTokens: run.usage.totalTokens,
    ...(run.startedAt === undefined ? {} : { startedAt: run.startedAt }),
    ...(run.endedAt === undefined ? {} : { endedAt: run.endedAt }),
    ...(run.childSessions === undefined ? {} : { childSessions: run.childSessions }),
  };
}

function hostRow({ sessionKey, agentId, label, updatedAt, usage }: SessionView) {
  return {
    key: sessionKey,
    kind: sessionKind(sessionKey),
    agentId,
    ...(label === undefined ? {} : { label }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
    ...(usage === undefined ? {} : { totalTokens: usage.totalTokens }),
  };
}

/** The newest sessions first, until what may be shown in one answer is used up. */
async function withMessages(
  runtime: SubagentRuntime,
  requester: Requester,
  sessions: SessionRow[],
  ours: ReadonlySet<string>,
  messageLimit: number,
): Promise<(SessionRow & { messages?: HistoryMessage[] })[]> {
  if (messageLimit === 0) return sessions;
  const shown = [];
  let left = MESSAGES_BYTES;
  for (const session of sessions) {
    if (!ours.has(session.key) || left < LEAST_BYTES) {
      shown.push(session);
      continue;
    }
    const { messages, bytes } = await runtime.history(session.key, requester, { limit: messageLimit, maxBytes: left });
    left -= bytes;
    shown.push({ ...session, messages });
  }
  return shown;
}

const DAY_MINUTES = 1440;
const MESSAGES_BYTES = 65_536;
const LEAST_BYTES = 1024;
