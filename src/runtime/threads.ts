/** Threads of a channel that children are bound to: the host's business, asked for and given back here. */

import { InprocessError, messageOf } from "../errors.ts";
import type { Host } from "../host.ts";
import type { Refusal } from "../policy/spawn-policy.ts";
import type { NewRun, RunRow } from "../registry/run-row.ts";
import type { SpawnParams } from "../types.ts";
import type { AfterRun } from "./after-run.ts";
import { childContext } from "./child-tools.ts";
import type { Parts } from "./parts.ts";
import type { Undo } from "./preparations.ts";

/** Before anything is prepared: a host without channels has nothing to bind. */
export function refuseThread({ thread }: SpawnParams, { bindThread }: Pick<Host, "bindThread">): Refusal | undefined {
  if (thread !== true || bindThread !== undefined) return undefined;
  const message =
    "thread needs a channel that can bind one, and this host has none (capability `session`); leave thread and mode out.";
  return { status: "error", code: "capability_missing", message };
}

export class Threads {
  readonly #parts: Pick<Parts, "host" | "loose" | "registry">;
  /** Sessions of this process that are bound and don't stay. */
  readonly #ofRuns = new Set<string>();

  constructor(parts: Pick<Parts, "host" | "loose" | "registry">) {
    this.#parts = parts;
  }

  /**
   * @param undo how it is given back while the run may be refused
   * @throws InprocessError `thread_not_bound`
   */
  async bind(row: NewRun, undo: Undo[]): Promise<void> {
    const { host } = this.#parts;
    const why = await this.#refusedBy(row);
    if (why !== undefined) {
      const message = `No thread could be bound for the subagent, so it wasn't started (${why}); leave thread and mode out.`;
      throw new InprocessError("thread_not_bound", message);
    }
    if (row.mode === "run") this.#ofRuns.add(row.childSessionKey);
    undo.push(async () => {
      this.#ofRuns.delete(row.childSessionKey);
      await host.unbindThread?.(childContext(row));
    });
  }

  async #refusedBy(row: NewRun): Promise<string | undefined> {
    try {
      const isBound = await this.#parts.host.bindThread?.(childContext(row));
      return isBound === true ? undefined : "this session's channel has no threads";
    } catch (error) {
      return messageOf(error);
    }
  }

  /** Goes on by itself. */
  giveBack(row: NewRun): void {
    this.#ofRuns.delete(row.childSessionKey);
    const { host, loose } = this.#parts;
    const work = async (): Promise<void> => host.unbindThread?.(childContext(row));
    loose.add(row.runId, work(), "a thread could not be given back");
  }

  /** A run of mode `run` keeps its thread until its result was handed over there. */
  get afterRun(): AfterRun {
    const over = (row: NewRun): void => {
      if (!this.#ofRuns.has(row.childSessionKey)) return;
      const isLast = this.#parts.registry.byChildSession(row.childSessionKey)?.runId === row.runId;
      if (isLast) this.giveBack(row);
    };
    return {
      settled: ({ facts: { row } }, owes) => {
        if (!owes) over(row);
      },
      delivered: (row: RunRow) => over(row),
    };
  }
}
