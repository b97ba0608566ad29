/**
 * Files that a spawn brings: written into the child's workspace before it is let in, gone again when it isn't, and
 * after its end unless they are retained until its transcript is put away. A session that stays has them until it is
 * ended, for its follow-ups, retained or not. Names and sizes: policy/attachments.ts.
 *
 * A folder is `<workspace>/.openclaw/attachments/<uuid>` (0700), its files 0600 beside a `.manifest.json`. Files are
 * written and hashed by Node's own threads; what is done on the loop, decoding base64, takes a millisecond a megabyte.
 */

import { randomUUID, webcrypto } from "node:crypto";
import { lstatSync, realpathSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, sep } from "node:path";
import type { AttachmentLimits } from "../config.ts";
import { InprocessError, messageOf } from "../errors.ts";
import { makeFolder, removeEmpty } from "../make-folder.ts";
import { checkAttachments, MANIFEST, type CheckedFile } from "../policy/attachments.ts";
import { spawnTerms } from "../policy/spawn-terms.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { AttachmentsReceipt, SpawnParams } from "../types.ts";
import type { AfterRun } from "./after-run.ts";
import type { Parts } from "./parts.ts";
import type { Undo } from "./preparations.ts";
import { isThreadRun } from "./recover.ts";
import type { UndecidedFolders } from "./undecided-folders.ts";

export type PutAttachments = {
  /** Absolute. */
  dir: string;
  receipt: AttachmentsReceipt;
  /** They are left when the child has ended, until its transcript is put away. */
  retain: boolean;
  /** Where the requester would like the child to see them; told to the child, no more. */
  mountPath?: string;
};

type Places = { limits: AttachmentLimits; workspaceDir: string; undecided: UndecidedFolders };

/**
 * @param undo how they are taken away again, while the spawn may be refused
 * @returns undefined when the spawn brings none
 * @throws InprocessError what `checkAttachments` throws, then nothing was written; `attachments_materialization_failed`
 */
export async function putAttachments(
  params: SpawnParams,
  { limits, workspaceDir, undecided }: Places,
  undo: Undo[],
): Promise<PutAttachments | undefined> {
  const given = params.attachments ?? [];
  if (given.length === 0) return undefined;
  const checked = checkAttachments(given, limits);
  const id = randomUUID();
  const dir = join(workspaceDir, ...ATTACHMENTS, id);
  let isMade = false;
  undo.push(async () => {
    await rm(dir, { recursive: true, force: true, maxRetries: RETRIES });
    // Empty, they are of no use to anybody; whichever spawn made them.
    if (isMade) removeEmpty(dirname(dir), join(workspaceDir, ATTACHMENTS[0]));
    await undecided.forget(dir);
  });
  try {
    await undecided.note(dir);
    makeFolderInside(workspaceDir, dir);
    isMade = true;
    const files: AttachmentsReceipt["files"] = [];
    for (const file of checked) files.push(await put(dir, file));
    const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const receipt = { count: files.length, totalBytes, files, relDir: [...ATTACHMENTS, id].join("/") };
    await writeNew(join(dir, MANIFEST), Buffer.from(`${JSON.stringify(receipt, null, 2)}\n`));
    const { mountPath } = params.attachAs ?? {};
    return { dir, receipt, retain: isRetained(params, limits), ...(mountPath === undefined ? {} : { mountPath }) };
  } catch (error) {
    throw new InprocessError(
      "attachments_materialization_failed",
      `The attachments can't be written below ${join(workspaceDir, ...ATTACHMENTS)}: ${messageOf(error)}.`,
      { cause: error },
    );
  }
}

function isRetained(params: SpawnParams, { retainOnSessionKeep }: AttachmentLimits): boolean {
  return spawnTerms(params).cleanup === "keep" && retainOnSessionKeep;
}

/** Links are looked for on the way: what stands in a workspace may have been put there by a model. */
function makeFolderInside(workspaceDir: string, dir: string): void {
  const [first, second] = ATTACHMENTS;
  for (const path of [join(workspaceDir, first), join(workspaceDir, first, second)]) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) throw new Error(`${path} is no folder`);
  }
  makeFolder(dir, 0o700);
  if (realpathSync(dir) !== join(realpathSync(workspaceDir), ...ATTACHMENTS, basename(dir))) {
    throw new Error("it leads out of the workspace");
  }
}

async function put(dir: string, file: CheckedFile): Promise<AttachmentsReceipt["files"][number]> {
  const data = Buffer.from(file.content, file.encoding);
  const [hash] = await Promise.all([webcrypto.subtle.digest("SHA-256", data), writeNew(join(dir, file.name), data)]);
  return { name: file.name, bytes: data.byteLength, sha256: Buffer.from(hash).toString("hex") };
}

/** Never through a link, never over anything. */
function writeNew(path: string, data: Buffer): Promise<void> {
  return writeFile(path, data, { flag: "wx", mode: 0o600 });
}

/** A session that stayed was ended while nobody was at work in it. What its last run owes is told of first. */
export function attachmentsAfterEnd({ registry, loose }: Pick<Parts, "registry" | "loose">, row: RunRow): void {
  if (row.state !== "settled" || row.retainAttachments === true || row.delivery === "pending") return;
  loose.add(row.runId, removeAttachments({ registry }, row), NOT_REMOVED);
}

/** Takes away what isn't retained, once a run is told of or has ended in silence, and its session doesn't stay. */
export function attachmentsAfter(parts: Pick<Parts, "registry" | "loose">): AfterRun {
  const { registry, loose } = parts;
  return {
    settled: ({ id, sessionKey, execution, facts: { row } }, owes) => {
      if (owes || row.attachmentsDir === undefined || row.retainAttachments === true) return;
      // Killed, its tools may be reading yet.
      void (execution?.released ?? Promise.resolve()).then(() => {
        const work = async (): Promise<void> => {
          // A session that was interrupted goes on under another run id, with the same files.
          const newest = registry.byChildSession(sessionKey);
          if (newest?.runId === id && newest.kept === undefined) await removeAttachments(parts, row);
        };
        loose.add(id, work(), NOT_REMOVED);
      });
    },
    delivered: (row) => {
      if (row.attachmentsDir === undefined || row.retainAttachments === true || !isThreadRun(row)) return;
      const newest = registry.byChildSession(row.childSessionKey);
      if (newest?.kept !== undefined) return;
      loose.add(row.runId, removeAttachments(parts, row), NOT_REMOVED);
    },
  };
}

/** Does nothing for a run that has none (any more). Rejects when they can't be removed. */
export async function removeAttachments(
  { registry }: Pick<Parts, "registry">,
  { attachmentsDir }: { attachmentsDir?: string },
): Promise<void> {
  if (attachmentsDir === undefined) return;
  await removeFolder(attachmentsDir);
  registry.archive.attachmentsRemoved(attachmentsDir);
}

/** Of a path that was read from a file: nothing that doesn't look like one of ours is removed. */
export async function removeFolder(dir: string): Promise<void> {
  const place = dirname(dir);
  const isOurs = isAbsolute(dir) && UUID.test(basename(dir)) && place.endsWith(join(sep, ...ATTACHMENTS));
  if (isOurs) await rm(dir, { recursive: true, force: true, maxRetries: RETRIES });
}

export const NOT_REMOVED = "a child's attachments could not be removed";
const ATTACHMENTS = [".openclaw", "attachments"] as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Windows keeps a folder for a moment while somebody looks at it. */
const RETRIES = 5;
