/**
 * The one way from a path a model wrote to a file: every tool goes through here.
 *
 * fs-safe's root does the confining (`..`, absolute paths, links, hard links, swaps between check and use). Reading
 * follows links that stay inside; writing follows linked folders that stay inside, never a linked file. A file with a
 * second name (a hard link) is refused both ways: the other name may be outside.
 */

import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { FsSafeError } from "@openclaw/fs-safe/errors";
import { root as openRoot, type Root } from "@openclaw/fs-safe/root";
import { InprocessError } from "../../errors.ts";
import { shownPath } from "./tool.ts";

export type Workspace = {
  /** The real path, all links followed. */
  readonly dir: string;
  /** Takes the paths `locate` gives. */
  readonly root: Root;
  /** Posix-slashed path relative to the workspace, "" for itself. @throws InprocessError when it leads out */
  locate(input: string): string;
  /** Runs a file operation on a located path and puts its refusals into one sentence. */
  guard<T>(located: string, operation: () => Promise<T>): Promise<T>;
  /** What is there, links followed, and its own path with every link inside resolved. */
  inspect(located: string): Promise<{ kind: "file" | "folder" | "other"; located: string; absolute: string }>;
};

export type LazyWorkspace = () => Promise<Workspace>;

/** Opened once, by the first tool that needs it; a workspace that isn't there yet is looked for again. */
export function lazyWorkspace(dir: string): LazyWorkspace {
  let opened: Promise<Workspace> | undefined;
  return () =>
    (opened ??= openWorkspace(dir).catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

async function openWorkspace(dir: string): Promise<Workspace> {
  const root = await openRoot(dir, ROOT_OPTIONS).catch((cause: unknown) => {
    throw new InprocessError("workspace_unusable", `The workspace ${dir} isn't there or isn't a folder.`, { cause });
  });
  // fs-safe's own idea of the real path may still have a short or differently cased name in it on Windows and macOS.
  const real = await realpath(root.rootReal);
  const spellings = [real, root.rootReal, path.resolve(dir)];
  const workspace: Workspace = {
    dir: real,
    root,
    locate: (input) => locate(input, spellings),
    async guard(located, operation) {
      try {
        return await operation();
      } catch (error) {
        throw error instanceof FsSafeError ? refusal(error, located) : error;
      }
    },
    async inspect(located) {
      const stat = await workspace.guard(located, () => root.stat(located));
      const absolute = await realpath(path.join(real, located));
      const kind = stat.isDirectory ? "folder" : stat.isFile ? "file" : "other";
      return { kind, located: locate(absolute, spellings), absolute };
    },
  };
  return workspace;
}

/** Lexical: what is no link is settled here, fs-safe sees to the rest. */
function locate(input: string, bases: readonly string[]): string {
  if (input.includes("\0")) {
    throw new InprocessError("params_invalid", `The path ${shownPath(input)} has a NUL character in it; leave it out.`);
  }
  // A name like these is legal on Linux, but whoever writes it means a place elsewhere.
  if (URL_LIKE.test(input) || (process.platform !== "win32" && WINDOWS_ROOTED.test(input))) throw outside(input);
  const expanded = /^~(?=$|[\\/])/.test(input) ? path.join(homedir(), input.slice(1)) : input;
  for (const base of bases) {
    const relative = path.relative(base, path.resolve(base, expanded));
    const leadsOut = relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
    if (!leadsOut) return relative.split(path.sep).join("/");
  }
  throw outside(input);
}

function outside(input: string): InprocessError {
  return new InprocessError(
    "path_outside_workspace",
    `The path ${shownPath(input)} leads out of the workspace; give a path inside it.`,
  );
}

function refusal(error: FsSafeError, located: string): InprocessError {
  const name = shownPath(located);
  const because = OUTSIDE_REASONS[error.code];
  if (because !== undefined) {
    return new InprocessError("path_outside_workspace", `The path ${name} is refused: ${because}.`, { cause: error });
  }
  if (error.code === "not-found") {
    return new InprocessError("tool_error", `There is no ${name}; look with list or find.`, { cause: error });
  }
  if (error.code === "not-file") {
    return new InprocessError("tool_error", `${name} is a folder or no plain file; give a file.`, { cause: error });
  }
  if (error.code === "too-large") {
    return new InprocessError("payload_too_large", `${name} is too large for this tool.`, { cause: error });
  }
  return new InprocessError("tool_error", `${name} can't be used: ${error.message}.`, { cause: error });
}

const ROOT_OPTIONS = {
  hardlinks: "reject",
  symlinks: "follow-within-root",
  mutationSymlinks: "follow-parents-within-root",
  // A power cut may lose the last write, never tear one; waiting for the disk each time isn't worth it here.
  durable: false,
} as const;

const LINK = "it goes through a link that leads out of the workspace, or through a file as if it were a folder";
const OUTSIDE_REASONS: Partial<Record<FsSafeError["code"], string>> = {
  "outside-workspace": LINK,
  "path-alias": LINK,
  "path-mismatch": "it was swapped while it was opened",
  symlink: "it is a link; name the file it leads to",
  hardlink: "it is a hard link, so the same file may also be outside the workspace",
  "device-path": "it is a device",
  "denied-path": "it is protected",
};

const WINDOWS_ROOTED = /^(?:[A-Za-z]:|\\\\)/;
const URL_LIKE = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//;
