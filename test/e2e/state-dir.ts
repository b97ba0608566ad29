/** What a run left in its state folder, read without any of the code that wrote it but the registry's. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";

import { openRegistry } from "../../src/registry/registry.ts";
import type { OwnerRow } from "../../src/registry/owners.ts";
import type { RunRow } from "../../src/registry/run-row.ts";

type Block = { type: string; text?: string; name?: string; arguments?: Record<string, unknown> };
type Message = { role: string; content: Block[] | string; stopReason?: string; isError?: boolean };
type Entry = { type: string; id: string; parentId: string | null; timestamp: string; message: Message };

export type TranscriptOnDisk = {
  path: string;
  /** The file's name without its ending. */
  sessionId: string;
  header: Record<string, unknown>;
  entries: Entry[];
  messages: Message[];
};

/** Every transcript below the state folder. Throws when any line isn't JSON, or the last one isn't whole. */
export function transcriptsIn(stateDir: string): TranscriptOnDisk[] {
  return filesIn(join(stateDir, "transcripts")).map((path) => {
    const text = readFileSync(path, "utf8");
    if (!text.endsWith("\n")) throw new Error(`the last line of ${path} isn't whole`);
    const [header, ...entries] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    return {
      path,
      sessionId: basename(path, ".jsonl"),
      header: header as Record<string, unknown>,
      entries: entries as Entry[],
      messages: (entries as Entry[]).map((entry) => entry.message),
    };
  });
}

export function textOf(message: Message | undefined): string {
  if (typeof message?.content === "string") return message.content;
  return (message?.content ?? []).map((block) => block.text ?? "").join("");
}

export type RegistryOnDisk = { runs: RunRow[]; owners: OwnerRow[] };

/** Looks only, beside whoever writes. Runs oldest first. */
export async function registryIn(stateDir: string): Promise<RegistryOnDisk> {
  const registry = openRegistry({ file: join(stateDir, "registry.sqlite"), readOnly: true });
  try {
    return { runs: registry.listRuns({ limit: 1000 }).reverse(), owners: registry.owners() };
  } finally {
    await registry.close();
  }
}

/** Paths of the files whose bytes hold the text. */
export function filesHolding(dir: string, text: string): string[] {
  return filesIn(dir).filter((path) => readFileSync(path).includes(text));
}

/** Path, size, time of change and hash of every file and folder: equal before and after when nothing was touched. */
export function fingerprint(dir: string): Record<string, string> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mtimeMs, size } = statSync(path);
      const hash = entry.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "folder";
      return [relative(dir, path).replaceAll(sep, "/"), `${mtimeMs} ${size} ${hash}`];
    }),
  );
}

export function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
