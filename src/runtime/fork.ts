/** What a child's transcript begins with: nothing, or its requester's as it stands at the spawn. */

import { stat } from "node:fs/promises";
import type { ForkSource } from "../channel/protocol.ts";
import type { Requester, ResolvedModel, SpawnParams } from "../types.ts";

export type Beginning = {
  forkOf?: ForkSource;
  /** Why it is none though it was asked for: a sentence for the requester's model. */
  note?: string;
};

/**
 * A fork that can't be had is none, and the answer says so: the child's task is its own anyway. Whose agent may be
 * forked is decided in spawn-policy.ts. Copying is the thread's work; here the file is only measured, and what is
 * written to it from now on isn't the child's.
 */
export async function chooseBeginning(
  { context }: Pick<SpawnParams, "context">,
  { transcriptPath: path }: Pick<Requester, "transcriptPath">,
  { contextWindow }: Pick<ResolvedModel, "contextWindow">,
): Promise<Beginning> {
  if (context !== "fork") return {};
  if (path === undefined) return { note: isolated("this session's transcript isn't known here") };
  const bytes = await stat(path).then(
    (file) => file.size,
    () => undefined,
  );
  if (bytes === undefined) return { note: isolated("this session's transcript can't be read") };
  // A host's own runner has models of its own, and keeps to their limits itself.
  const tokens = contextWindow > 0 ? Math.min(FORK_TOKENS, contextWindow / 2) : FORK_TOKENS;
  const most = Math.floor(tokens) * BYTES_A_TOKEN;
  if (bytes > most)
    return { note: isolated(`this conversation is too large for it (${bytes} bytes, at most ${most})`) };
  return { forkOf: { path, bytes } };
}

function isolated(why: string): string {
  return `The subagent begins with its task alone and not with this conversation (context isolated): ${why}.`;
}

/** OpenClaw's cap; a child whose model holds less keeps half of that for its own work. */
const FORK_TOKENS = 100_000;
/** More than text alone has: a transcript holds what surrounds it too. */
const BYTES_A_TOKEN = 4;
