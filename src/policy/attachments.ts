/**
 * Whether a spawn's files may come along: their names, their number and their sizes, all known before anything is
 * decoded or written. Pure; whether attachments are on at all is asked in spawn-policy.ts.
 */

import type { AttachmentLimits } from "../config.ts";
import { InprocessError, type ErrorCode } from "../errors.ts";
import type { Attachment } from "../types.ts";

/** A file as it is to be written: `content` is decoded as `encoding` says, to `bytes` bytes. */
export type CheckedFile = { name: string; content: string; encoding: "utf8" | "base64"; bytes: number };

/**
 * Order and contents as given, names without the spaces around them.
 * @param platform as `process.platform` names it: Windows has names of its own that no file may have
 * @throws InprocessError `attachments_file_count_exceeded`, `attachments_invalid_name`, `attachments_duplicate_name`,
 * `attachments_invalid_base64_or_too_large`, `attachments_file_bytes_exceeded`, `attachments_total_bytes_exceeded`
 */
export function checkAttachments(
  attachments: readonly Attachment[],
  limits: AttachmentLimits,
  platform: string = process.platform,
): CheckedFile[] {
  const { maxFiles, maxTotalBytes } = limits;
  if (attachments.length > maxFiles) {
    const count = `${attachments.length} attachments are more than ${SETTINGS}.maxFiles allows (${maxFiles})`;
    throw refused("attachments_file_count_exceeded", `${count}; send fewer.`);
  }
  const names = new Set<string>();
  let totalBytes = 0;
  return attachments.map((attachment) => {
    const name = nameOf(attachment, platform);
    // What differs in case alone is one file on most machines of users.
    const known = name.normalize("NFC").toLowerCase();
    if (names.has(known)) {
      throw refused("attachments_duplicate_name", `Two attachments are called ${shown(name)}; give each its own name.`);
    }
    names.add(known);
    const file = { name, ...sized(name, attachment, limits.maxFileBytes) };
    totalBytes += file.bytes;
    if (totalBytes > maxTotalBytes) {
      const sum = `The attachments are larger together than ${SETTINGS}.maxTotalBytes allows (${maxTotalBytes} bytes)`;
      throw refused("attachments_total_bytes_exceeded", `${sum}; send less, or put them into the workspace.`);
    }
    return file;
  });
}

function nameOf(attachment: Attachment, platform: string): string {
  const name = attachment.name.trim();
  const wrong =
    name === "" ||
    UNFIT.test(name) ||
    // Half characters are all written as the same sign, so two names would be one file.
    !name.isWellFormed() ||
    RESERVED.has(name.toLowerCase()) ||
    Buffer.byteLength(name) > NAME_BYTES ||
    (platform === "win32" && UNFIT_ON_WINDOWS.test(name));
  if (!wrong) return name;
  throw refused(
    "attachments_invalid_name",
    `${shown(name)} can't be an attachment's name; give a plain file name, without folders, of at most ${NAME_BYTES} bytes.`,
  );
}

function sized(
  name: string,
  { content, encoding = "utf8" }: Attachment,
  maxFileBytes: number,
): Omit<CheckedFile, "name"> {
  if (encoding === "base64") return sizedBase64(name, content, maxFileBytes);
  const bytes = Buffer.byteLength(content);
  if (bytes <= maxFileBytes) return { content, encoding, bytes };
  throw refused(
    "attachments_file_bytes_exceeded",
    `The attachment ${shown(name)} has ${bytes} bytes, more than ${SETTINGS}.maxFileBytes allows (${maxFileBytes}); put it into the workspace.`,
  );
}

/** Spaces and line ends may stand in it, as mail programs break it; nothing else that isn't base64, and not nothing. */
function sizedBase64(name: string, given: string, maxFileBytes: number): Omit<CheckedFile, "name"> {
  const maxLength = Math.ceil(maxFileBytes / 3) * 4;
  const isTooLong = given.length > maxLength * 2;
  const content = isTooLong ? "" : given.replace(/\s+/g, "");
  const isBase64 = content.length % 4 === 0 && BASE64.test(content);
  const padding = content.endsWith("==") ? 2 : content.endsWith("=") ? 1 : 0;
  const bytes = (content.length / 4) * 3 - padding;
  if (isBase64 && bytes <= maxFileBytes) return { content, encoding: "base64", bytes };
  throw refused(
    "attachments_invalid_base64_or_too_large",
    `The attachment ${shown(name)} is no base64, or larger than ${SETTINGS}.maxFileBytes allows (${maxFileBytes} bytes); send it whole, with its padding, or as utf8.`,
  );
}

function refused(code: ErrorCode, message: string): InprocessError {
  return new InprocessError(code, message);
}

/** It comes from a model: no end of it, and nothing that moves a terminal's cursor. */
function shown(name: string): string {
  return JSON.stringify(name.length > SHOWN_CHARS ? `${name.slice(0, SHOWN_CHARS)}…` : name);
}

/** What we write beside the files. */
export const MANIFEST = ".manifest.json";

const SETTINGS = "tools.sessions_spawn.attachments";
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const UNFIT = /[/\\\u0000-\u001f\u007f]/;
/** Devices, streams of a file, and ends that Windows drops. */
const UNFIT_ON_WINDOWS = /[<>:"|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const RESERVED = new Set([".", "..", MANIFEST]);
/** What a name may have in the file systems we know. */
const NAME_BYTES = 255;
const SHOWN_CHARS = 80;
