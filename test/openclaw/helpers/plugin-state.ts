/** What the plugin says and keeps, read from outside: its log lines, its registry, what the model was shown of it. */

import { existsSync } from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";

import { openRegistry } from "../../../src/registry/registry.ts";
import type { RecordedRequest } from "../../helpers/model-replies.ts";
import type { Gateway } from "./gateway.ts";
import { lastToolResult, toolResults } from "./scripted-model.ts";

export type Accepted = { status: string; runId: string; childSessionKey: string; [key: string]: unknown };

/** The reason a core call was blocked with, as 2026.4.1 shows it: its opening words and the result it carries. */
export function answered(request: RecordedRequest): { opening: string; result: Record<string, unknown> } {
  return parseAnswer(lastToolResult(request));
}

/** The same for every tool result of a request that was answered in process, oldest first. */
export function allAnswered(request: RecordedRequest): { opening: string; result: Record<string, unknown> }[] {
  return toolResults(request).map(({ text }) => parseAnswer(text));
}

function parseAnswer(text: string): { opening: string; result: Record<string, unknown> } {
  const shown = JSON.parse(text) as Record<string, unknown>;
  if (typeof shown.tool !== "string" || typeof shown.error !== "string") return { opening: "", result: shown };
  const at = shown.error.indexOf("{");
  const opening = shown.error.slice(0, at < 0 ? undefined : at).trim();
  return { opening, result: at < 0 ? {} : (JSON.parse(shown.error.slice(at)) as Record<string, unknown>) };
}

/** Log lines of the plugin with that message, as the fields behind it. */
export function loggedFields(gateway: Pick<Gateway, "log">, message: string): Record<string, unknown>[] {
  return gateway
    .log()
    .split("\n")
    .flatMap((line) => {
      const at = line.indexOf(`openclaw-inprocess: ${message} {`);
      return at < 0 ? [] : [JSON.parse(line.slice(line.indexOf("{", at))) as Record<string, unknown>];
    });
}

/** The registry's runs, newest first; none when the plugin has never run. */
export async function registeredRuns({ stateDir }: Pick<Gateway, "stateDir">) {
  const file = registryFile(stateDir);
  if (!existsSync(file)) return [];
  const registry = openRegistry({ file, readOnly: true });
  try {
    return registry.listRuns({ limit: 1000 });
  } finally {
    await registry.close();
  }
}

/** The registry as it is now; `restore` puts it back, which only a gateway that is down may have done to it. */
export async function snapshotRegistry({ stateDir }: Pick<Gateway, "stateDir">): Promise<{ restore(): Promise<void> }> {
  const file = registryFile(stateDir);
  const copy = `${file}.snapshot`;
  const db = new DatabaseSync(file, { readOnly: true });
  await backup(db, copy);
  db.close();
  const restore = async (): Promise<void> => {
    for (const log of ["-wal", "-shm"]) await rm(`${file}${log}`, { force: true });
    await copyFile(copy, file);
  };
  return { restore };
}

function registryFile(stateDir: string): string {
  return join(stateDir, "openclaw-inprocess", "registry.sqlite");
}
