/** A JSON5 file, or one sentence about why it can't be had. */

import { readFile, stat } from "node:fs/promises";
import JSON5 from "json5";
import { ConfigError, messageOf } from "../errors.ts";

/**
 * @param what what to call the file in a sentence, such as `the config file`
 * @param maxBytes a larger file is refused
 * @throws ConfigError `config_unreadable`
 */
export async function readJson5(file: string, what: string, maxBytes = 64 * 1024 * 1024): Promise<unknown> {
  const text = await read(file, what, maxBytes);
  try {
    return JSON5.parse<unknown>(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw unreadable(`${what} ${file} isn't valid JSON5${whereOf(error)}; correct it there`, error);
  }
}

async function read(file: string, what: string, maxBytes: number): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) {
      throw unreadable(`${what} ${file} is larger than ${maxBytes / 1024 / 1024} MiB; make it smaller or split it up`);
    }
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw unreadable(`${what} ${file} ${reasonOf(error)}`, error);
  }
}

function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
      return "isn't there; check the path";
    case "EISDIR":
      return "is a folder; name the file in it";
    case "EACCES":
    case "EPERM":
      return "can't be read with this user's permissions; change them or run as its owner";
    default:
      return `can't be read: ${messageOf(error)}`;
  }
}

function whereOf(error: unknown): string {
  const { lineNumber, columnNumber } = error as { lineNumber?: number; columnNumber?: number };
  const what = messageOf(error)
    .replace(/^JSON5: /, "")
    .replace(/ at \d+:\d+$/, "");
  return lineNumber === undefined ? `: ${what}` : ` at line ${lineNumber}, column ${columnNumber}: ${what}`;
}

function unreadable(message: string, cause?: unknown): ConfigError {
  return new ConfigError([{ path: "", message: message[0]!.toUpperCase() + message.slice(1) }], {
    code: "config_unreadable",
    cause,
  });
}
