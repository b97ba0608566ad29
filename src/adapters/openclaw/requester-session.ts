/** What the gateway keeps of a requester's session: where its transcript is, and which chat it belongs to. */

import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { sessionKind } from "../../sessions/session-key.ts";
import { agentEntries, agentOf } from "./agents.ts";
import type { HostConfig, HostRuntime } from "./api.ts";
import { sessionStoreSetting } from "./openclaw-package.ts";

export type RequesterSession = {
  /** Absolute; absent where transcripts aren't files. */
  transcript?: string;
  /** To whom at a channel an answer of the session goes; absent: to nobody. */
  route?: Route;
  /** How many spawns it is below a main session; absent: the gateway doesn't say. */
  depth?: number;
  /** The model that was chosen for the session, `provider/id`; absent: its agent's. */
  model?: string;
};

export type Route = { channel: string; to: string };

/** Undefined: there is no such session, or none yet. Rejects when the store can't be read. */
export type RequesterSessions = (sessionKey: string) => Promise<RequesterSession | undefined>;

/** For hosts whose sessions are files. */
export function sessionsInFiles(runtime: HostRuntime, config: HostConfig): RequesterSessions {
  return async (sessionKey) => {
    const agentId = agentOf(sessionKey, config);
    const storePath = runtime.agent.session.resolveStorePath(sessionStoreSetting(config), { agentId });
    const store = await readStore(storePath);
    const entry = store[sessionKey] ?? store[sessionKey.toLowerCase()];
    if (entry?.sessionId === undefined) return undefined;
    const file = entry.sessionFile ?? `${entry.sessionId}.jsonl`;
    const transcript = isAbsolute(file) ? file : join(dirname(storePath), file);
    return { transcript, ...routeOf(sessionKey, entry), ...depthIn(entry), ...modelIn(entry) };
  };
}

/** For hosts that keep sessions themselves. */
export function servedSessions({ agent }: HostRuntime, config: HostConfig): RequesterSessions {
  return async (sessionKey) => {
    const entry = agent.session.getSessionEntry?.({ agentId: agentOf(sessionKey, config), sessionKey });
    return entry === undefined ? undefined : { ...routeOf(sessionKey, entry), ...depthIn(entry), ...modelIn(entry) };
  };
}

/**
 * Keys of the sessions that a person has stopped at or after a time (milliseconds since the epoch) and that have had no
 * turn since; for hosts whose sessions are files.
 */
export async function stoppedSince(runtime: HostRuntime, config: HostConfig, at: number): Promise<string[]> {
  const ids = agentEntries(config).map(({ id }) => id);
  const { resolveStorePath } = runtime.agent.session;
  const paths = (ids.length === 0 ? ["main"] : ids).map((agentId) =>
    resolveStorePath(sessionStoreSetting(config), { agentId }),
  );
  const stopped: string[] = [];
  for (const path of new Set(paths)) {
    for (const [key, entry] of Object.entries(await readStore(path))) {
      if (entry?.abortedLastRun === true && (entry.updatedAt ?? 0) >= at) stopped.push(key);
    }
  }
  return stopped;
}

/** How many spawns a session is below the top: 0 for any but a subagent's, at least 1 for that. Never rejects. */
export async function depthOf(sessions: RequesterSessions, sessionKey: string): Promise<number> {
  if (sessionKind(sessionKey) !== "subagent") return 0;
  const session = await sessions(sessionKey).catch(() => undefined);
  return Math.max(1, session?.depth ?? 1);
}

async function readStore(file: string): Promise<Record<string, Entry | undefined>> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}";
    throw error;
  });
  return JSON.parse(text) as Record<string, Entry | undefined>;
}

/**
 * A gateway that is asked to deliver for a session without a chat of its own takes the only channel there is and writes
 * to whomever that writes by default: who isn't meant would read the answer.
 */
function routeOf(
  sessionKey: string,
  { delivery, deliveryContext, lastChannel, lastTo }: Entry,
): Pick<RequesterSession, "route"> {
  // What a subagent says goes to its requester, never into the chat that it may have inherited.
  if (sessionKind(sessionKey) === "subagent") return {};
  const { channel = lastChannel, to = lastTo } = delivery?.context ?? deliveryContext ?? {};
  if (!isNamed(channel) || !isNamed(to) || channel === WEB_CHAT) return {};
  return { route: { channel, to } };
}

function depthIn({ spawnDepth }: Entry): { depth?: number } {
  return typeof spawnDepth === "number" && Number.isInteger(spawnDepth) ? { depth: spawnDepth } : {};
}

function modelIn({ providerOverride: provider, modelOverride: model }: Entry): { model?: string } {
  return isNamed(provider) && isNamed(model) ? { model: `${provider}/${model}` } : {};
}

function isNamed(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

/** 2026.4.1 keeps a session's route as `deliveryContext` and `last…`, 2026.9.6 as `delivery`. */
type Entry = {
  sessionId?: string;
  sessionFile?: string;
  delivery?: { context?: Partial<Route> };
  deliveryContext?: Partial<Route>;
  lastChannel?: string;
  lastTo?: string;
  spawnDepth?: number;
  providerOverride?: string;
  modelOverride?: string;
  abortedLastRun?: boolean;
  updatedAt?: number;
};

/** OpenClaw's word for its own pages, which need no delivery. */
const WEB_CHAT = "webchat";
