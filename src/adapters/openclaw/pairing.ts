/**
 * Whether the core's own spawn would be closed with 1008: it connects to the gateway as this machine's device and asks
 * for `operator.admin`, and a device paired with less is never given more silently (openclaw issue #59702).
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

export type Pairing =
  /** Nobody is paired yet: the first connection will be, with whatever it asks for. */
  | { state: "open" }
  | { state: "enough"; scopes: string[] }
  | { state: "narrow"; scopes: string[]; missing: string[] }
  /** The files can't be read; nothing is certain. */
  | { state: "unknown"; why: string };

/** @param stateDir OpenClaw's own */
export async function readPairing(stateDir: string): Promise<Pairing> {
  const identity = await readJson(join(stateDir, "identity", "device.json"));
  const paired = await readJson(join(stateDir, "devices", "paired.json"));
  if (identity === undefined || paired === undefined) return { state: "open" };
  if (identity === null || paired === null) return { state: "unknown", why: "its device files can't be parsed" };
  const device = paired[String(identity["deviceId"])];
  if (typeof device !== "object" || device === null) return { state: "open" };
  const scopes = scopesOf(device as Record<string, unknown>);
  const missing = NEEDED.filter((scope) => !scopes.includes(scope) && !scopes.includes(ADMIN));
  return missing.length === 0 ? { state: "enough", scopes } : { state: "narrow", scopes, missing };
}

function scopesOf(device: Record<string, unknown>): string[] {
  const listed = device["approvedScopes"] ?? device["scopes"];
  return Array.isArray(listed) ? listed.filter((scope): scope is string => typeof scope === "string") : [];
}

/** Undefined: there is no such file. Null: it holds no object. */
async function readJson(file: string): Promise<Record<string, unknown> | null | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    return typeof value === "object" ? (value as Record<string, unknown> | null) : null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : null;
  }
}

const ADMIN = "operator.admin";
/** `sessions.patch`, the first thing a spawn of the core asks of the gateway, needs it. */
const NEEDED = [ADMIN];
