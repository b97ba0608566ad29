/** Why a run would stop early: a signal, or nobody reading its output any more. */

import { killTracked } from "../../kill-tree.ts";
import { EXIT } from "./exit-codes.ts";

export type StopReason =
  | { kind: "signal"; signal: NodeJS.Signals }
  | { kind: "output_closed" }
  /** Standard output can't be written for another reason, such as a full disk. */
  | { kind: "output_failed"; message: string };

export interface Stops {
  /** Resolves at the first reason; never rejects. */
  readonly first: Promise<StopReason>;
  readonly reason: StopReason | undefined;
  /** Gives the signals back to Node. */
  dispose(): void;
}

/**
 * Listens for Ctrl-C, SIGTERM, a closed terminal, and a broken pipe behind standard output. A second signal ends the
 * process at once with 130, and with it what its tools have started.
 */
export function watchStops(proc: NodeJS.Process): Stops {
  const { promise, resolve } = Promise.withResolvers<StopReason>();
  let reason: StopReason | undefined;
  const stop = (why: StopReason) => {
    if (reason?.kind === "signal" && why.kind === "signal") {
      killTracked();
      proc.exit(EXIT.interrupted);
    }
    if (reason === undefined || why.kind === "signal") reason = why;
    resolve(why);
  };
  const onSignal = (signal: NodeJS.Signals) => stop({ kind: "signal", signal });
  const onOutputError = (error: NodeJS.ErrnoException) =>
    stop(CLOSED.has(error.code ?? "") ? { kind: "output_closed" } : { kind: "output_failed", message: error.message });
  for (const signal of SIGNALS) proc.on(signal, onSignal);
  proc.stdout.on("error", onOutputError);
  // Without its audience the show goes on unseen.
  proc.stderr.on("error", () => undefined);
  return {
    first: promise,
    get reason() {
      return reason;
    },
    dispose() {
      for (const signal of SIGNALS) proc.off(signal, onSignal);
      // The output's listener stays: a late EPIPE without one would end the process with a stack.
    },
  };
}

/** EOF is what Windows says. */
const CLOSED: ReadonlySet<string> = new Set(["EPIPE", "EOF", "ERR_STREAM_DESTROYED"]);

const SIGNALS: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
