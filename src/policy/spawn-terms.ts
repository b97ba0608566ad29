/** What a spawn's parameters come to, once its defaults are filled in. */

import type { SpawnContext, SpawnMode, SpawnParams } from "../types.ts";

export type SpawnTerms = {
  mode: SpawnMode;
  context: SpawnContext;
  cleanup: "delete" | "keep";
  collect: boolean;
  expectsCompletion: boolean;
};

/** A thread makes a session, a session keeps its transcript, and what is collected isn't announced. */
export function spawnTerms(params: SpawnParams): SpawnTerms {
  const mode = modeOf(params);
  const collect = params.collect ?? false;
  return {
    mode,
    context: params.context ?? "isolated",
    cleanup: mode === "session" ? "keep" : (params.cleanup ?? "keep"),
    collect,
    expectsCompletion: !collect && (params.expectsCompletionMessage ?? true),
  };
}

export function modeOf({ mode, thread }: Pick<SpawnParams, "mode" | "thread">): SpawnMode {
  return mode ?? (thread === true ? "session" : "run");
}
