/** One run in a session of the gateway: from accepted to over, with what a client may ask of it. */

import type { Cause } from "../../../src/errors.ts";
import type { Execution } from "../../../src/runtime/execution.ts";
import type { Usage } from "../../../src/types.ts";

/** `aborted`: by its time-out, or on request; then `text` is what there was. */
export type RunEnd = { status: "ok" | "error"; aborted: boolean; text: string; usage: Usage; error?: string };

/** As `agent.wait` answers it. */
export type WaitAnswer = {
  runId: string;
  status: "ok" | "error" | "timeout";
  startedAt?: number;
  endedAt?: number;
  error?: string;
};

export class ChildRun {
  readonly runId: string;
  readonly sessionKey: string;
  /** Only what came by `chat` can be ended with `sessions.abort`, as in OpenClaw 2026.4.1. */
  readonly via: "agent" | "chat";
  /** Resolves when it is over. */
  readonly over: Promise<RunEnd>;
  startedAt: number | undefined;
  endedAt: number | undefined;
  end: RunEnd | undefined;
  #resolve!: (end: RunEnd) => void;
  #execution: Execution | undefined;
  #abort: Cause | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(runId: string, sessionKey: string, via: ChildRun["via"]) {
    this.runId = runId;
    this.sessionKey = sessionKey;
    this.via = via;
    this.over = new Promise((resolve) => (this.#resolve = resolve));
  }

  get aborted(): boolean {
    return this.#abort !== undefined;
  }

  /** As `sessions.list` shows it; nothing before it begins. */
  get status(): "running" | "done" | "failed" | "timeout" | undefined {
    if (this.end === undefined) return this.startedAt === undefined ? undefined : "running";
    if (this.end.status === "error") return "failed";
    return this.end.aborted ? "timeout" : "done";
  }

  carriedBy(execution: Execution): void {
    this.#execution = execution;
    if (this.#abort !== undefined) execution.abort(this.#abort);
  }

  /** @param timeoutMs 0: no limit */
  started(timeoutMs: number): void {
    this.startedAt = Date.now();
    if (timeoutMs > 0) this.#timer = setTimeout(() => this.abort(TIME_UP), timeoutMs);
  }

  abort(cause: Cause): void {
    this.#abort ??= cause;
    this.#execution?.abort(cause);
  }

  /** The first end counts. */
  finish(end: RunEnd): void {
    if (this.end !== undefined) return;
    clearTimeout(this.#timer);
    this.#execution = undefined;
    this.endedAt = Date.now();
    this.end = end;
    this.#resolve(end);
  }

  /**
   * Waits so long for the end. Still at work is `timeout` without `endedAt`; a run that was aborted is `timeout` with
   * it for whoever is waiting, and `ok` for whoever asks afterwards: 2026.4.1 answers from two books.
   */
  async wait(timeoutMs: number): Promise<WaitAnswer> {
    const { runId } = this;
    if (this.end !== undefined) return { runId, ...this.#told(this.end), endedAt: this.endedAt! };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, timeoutMs, undefined).unref()));
    const end = await Promise.race([this.over, late]);
    clearTimeout(timer);
    if (end === undefined) return { runId, status: "timeout" };
    const told = end.aborted ? { status: "timeout" as const } : this.#told(end);
    const startedAt = this.startedAt === undefined ? {} : { startedAt: this.startedAt };
    return { runId, ...told, ...startedAt, endedAt: this.endedAt! };
  }

  #told({ status, error }: RunEnd): Pick<WaitAnswer, "status" | "error"> {
    return error === undefined ? { status } : { status, error };
  }
}

const TIME_UP: Cause = { code: "run_timeout", message: "The run's time was up." };
