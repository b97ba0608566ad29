/** What a gateway keeps in its state folder, seen from outside, and rid of what a kill left there. Absent files count as empty. */

import { existsSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Profile } from "./profile.ts";

export type PairedDevice = {
  deviceId: string;
  clientId?: string;
  clientMode?: string;
  scopes: string[];
  approvedScopes: string[];
  tokens: Record<string, { scopes: string[] }>;
};

/** A device, or a device's wish for more scopes, that nobody has approved. */
export type PendingRequest = { requestId: string; deviceId: string; scopes: string[]; isRepair?: boolean };

export type Devices = { paired: PairedDevice[]; pending: PendingRequest[] };

/** An entry of the session store; what else stands in it is as OpenClaw wrote it. */
export type StoredSession = { sessionId: string; sessionFile?: string; updatedAt: number; [key: string]: unknown };

/** A line of a transcript: the header, a message, a change of model… */
export type TranscriptLine = { type: string; message?: TranscriptMessage; [key: string]: unknown };

export type TranscriptMessage = { role: string; content: unknown; [key: string]: unknown };

export async function readDevices({ stateDir }: Profile): Promise<Devices> {
  const records = async <T>(file: string): Promise<T[]> =>
    Object.values((await readJson(join(stateDir, "devices", file))) as Record<string, T>);
  return { paired: await records<PairedDevice>("paired.json"), pending: await records<PendingRequest>("pending.json") };
}

/** The sessions of the agent `main` by session key. 2026.9.6 keeps them elsewhere: empty there. */
export async function readSessions(profile: Profile): Promise<Record<string, StoredSession>> {
  const store = await readJson(join(sessionsFolder(profile), "sessions.json"));
  return store as Record<string, StoredSession>;
}

/** The messages of a session of the agent `main`, oldest first; empty when it has no transcript. */
export async function readTranscript(profile: Profile, sessionKey: string): Promise<TranscriptMessage[]> {
  const session = (await readSessions(profile))[sessionKey];
  if (session === undefined) return [];
  const file = session.sessionFile ?? join(sessionsFolder(profile), `${session.sessionId}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as TranscriptLine).flatMap(({ message }) => message ?? []);
}

/**
 * Removes the locks of the agent `main`'s sessions that name no owner. OpenClaw 2026.4.1 makes a lock and then writes its
 * process id into it: killed in between it leaves a lock that it keeps to for half an hour, whoever starts next.
 */
export async function removeLocksWithoutOwner(profile: Profile): Promise<void> {
  const folder = sessionsFolder(profile);
  const files = existsSync(folder) ? await readdir(folder) : [];
  for (const file of files.filter((name) => name.endsWith(".lock"))) {
    const lock = join(folder, file);
    if (!namesItsOwner(await readFile(lock, "utf8"))) await rm(lock);
  }
}

function namesItsOwner(lock: string): boolean {
  try {
    return typeof (JSON.parse(lock) as { pid?: unknown }).pid === "number";
  } catch {
    return false;
  }
}

function sessionsFolder({ stateDir }: Profile): string {
  return join(stateDir, "agents", "main", "sessions");
}

async function readJson(file: string): Promise<unknown> {
  return existsSync(file) ? (JSON.parse(await readFile(file, "utf8")) as unknown) : {};
}
