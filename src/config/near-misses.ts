/**
 * Keys that look like a slip of one we read, in objects where OpenClaw has keys of its own.
 * There an unknown key is none of our business, unless it is so near to ours that it must have been meant.
 */

import type { ConfigIssue } from "../errors.ts";
import { dotted, unknownKey } from "./issues.ts";
import { editDistance } from "./nearest-key.ts";

export function nearMisses(raw: unknown): ConfigIssue[] {
  return PLACES.flatMap(({ path, ours, theirs, holding }) =>
    objectsAt(raw, path).flatMap(({ at, value }) =>
      Object.keys(value)
        .filter((key) => !ours.includes(key) && !theirs.includes(key))
        .flatMap((key) => {
          const meant = ours.find((ourKey) => slipOf(key, ourKey) && looksLike(holding?.[ourKey], value[key]));
          return meant === undefined ? [] : [{ path: dotted([...at, key]), message: unknownKey(key, [meant]) }];
        }),
    ),
  );
}

/** One letter off, or two in a long name; case doesn't count. */
function slipOf(key: string, ours: string): boolean {
  return editDistance(key.toLowerCase(), ours.toLowerCase()) <= (ours.length >= 8 ? 2 : ours.length >= 4 ? 1 : 0);
}

function looksLike(keys: readonly string[] | undefined, value: unknown): boolean {
  return keys === undefined || (isObject(value) && keys.some((key) => Object.hasOwn(value, key)));
}

function objectsAt(raw: unknown, path: readonly string[]): { at: PropertyKey[]; value: Record<string, unknown> }[] {
  let found: { at: PropertyKey[]; value: unknown }[] = [{ at: [], value: raw }];
  for (const part of path) {
    found = found.flatMap(({ at, value }) => {
      if (typeof value !== "object" || value === null) return [];
      if (part !== "*") return Object.hasOwn(value, part) ? [{ at: [...at, part], value: property(value, part) }] : [];
      if (Array.isArray(value)) return value.map((inner: unknown, index) => ({ at: [...at, index], value: inner }));
      return Object.entries(value).map(([key, inner]) => ({ at: [...at, key], value: inner as unknown }));
    });
  }
  return found.filter((entry): entry is { at: PropertyKey[]; value: Record<string, unknown> } => isObject(entry.value));
}

function property(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const AGENT = {
  ours: ["subagents", "model", "workspace", "thinkingDefault", "tools"],
  theirs: ["models", "modelPolicy", "imageModel", "pdfModel", "utilityModel", "tool"],
};

type Place = { path: string[]; ours: string[]; theirs: string[]; holding?: Record<string, string[]> };

/**
 * `theirs` holds the keys of OpenClaw that are as near to one of ours as a slip would be, older ones included.
 * A slip of a key in `holding` only counts when its value has one of the keys given there.
 */
const PLACES: Place[] = [
  {
    path: [],
    ours: ["subagents", "models", "agents"],
    theirs: ["agent"],
    holding: { models: ["providers", "mode"], agents: ["defaults", "entries", "list"] },
  },
  { path: ["agents"], ours: ["defaults", "entries", "list"], theirs: [] },
  { path: ["agents", "defaults"], ...AGENT },
  { path: ["agents", "list", "*"], ...AGENT },
  { path: ["agents", "entries", "*"], ...AGENT },
  {
    path: ["gateway"],
    ours: ["mode", "bind", "customBindHost", "port", "auth", "remote"],
    theirs: ["node", "nodes"],
  },
  { path: ["gateway", "auth"], ours: ["mode", "token", "password"], theirs: [] },
  { path: ["gateway", "tls"], ours: ["enabled"], theirs: [] },
  { path: ["gateway", "remote"], ours: ["token", "password", "tlsFingerprint"], theirs: [] },
  { path: ["models"], ours: ["providers"], theirs: [] },
  { path: ["models", "providers", "*"], ours: ["baseUrl", "apiKey", "headers", "models"], theirs: ["model"] },
  {
    path: ["models", "providers", "*", "models", "*"],
    ours: ["contextWindow", "maxTokens", "reasoning"],
    theirs: ["contextTokens"],
  },
  { path: ["tools"], ours: ["subagents", "deny", "allow", "alsoAllow", "sessions_spawn", "swarm"], theirs: [] },
  { path: ["tools", "sessions_spawn"], ours: ["attachments"], theirs: [] },
  { path: ["agents", "list", "*", "tools"], ours: ["swarm"], theirs: [] },
  { path: ["agents", "entries", "*", "tools"], ours: ["swarm"], theirs: [] },
  { path: ["tools", "subagents"], ours: ["tools"], theirs: [] },
  { path: ["tools", "exec"], ours: ["security"], theirs: [] },
  { path: ["plugins", "entries"], ours: ["openclaw-inprocess"], theirs: [] },
  { path: ["plugins", "entries", "openclaw-inprocess"], ours: ["config"], theirs: [] },
];
