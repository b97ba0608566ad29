/** Transcripts read in a helper thread: started by the first question, ended when none has come for a while. */

import { Worker } from "node:worker_threads";

import { InprocessError } from "../errors.ts";
import type { HistoryView, HistoryWindow } from "./history-view.ts";

export type HistoryQuestion = { id: number; path: string; window: HistoryWindow };
export type HistoryAnswer = { id: number; view: HistoryView } | { id: number; error: string };

export class HistoryReader {
  readonly #idleMs: number;
  readonly #waiting = new Map<number, { path: string; resolve(view: HistoryView): void; reject(error: Error): void }>();
  #thread: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #nextId = 1;

  /** @param idleMs how long the thread is kept without a question. @default 30000 */
  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** A transcript that isn't there has no messages. @throws InprocessError `transcript_unusable` */
  read(path: string, window: HistoryWindow): Promise<HistoryView> {
    clearTimeout(this.#idle);
    const thread = (this.#thread ??= this.#start());
    const id = this.#nextId++;
    // A process with nothing else to do waits for the answer, and for that alone.
    thread.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { path, resolve, reject });
      thread.postMessage({ id, path, window } satisfies HistoryQuestion);
    });
  }

  /** Ends the thread; what is still being read fails. Safe to call twice. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(THREAD_FILE, { env: {}, execArgv: [], argv: [], name: "transcripts" });
    let why = "its thread ended";
    thread.on("message", (answer: HistoryAnswer) => this.#answered(thread, answer));
    thread.on("error", (error: Error) => (why = error.message));
    thread.on("exit", () => this.#ended(thread, why));
    return thread;
  }

  #answered(thread: Worker, answer: HistoryAnswer): void {
    const asked = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("view" in answer) asked?.resolve(answer.view);
    else asked?.reject(unusable(asked.path, answer.error));
    if (this.#waiting.size > 0) return;
    thread.unref();
    this.#idle = setTimeout(() => void this.close(), this.#idleMs).unref();
  }

  #ended(thread: Worker, why: string): void {
    if (this.#thread === thread) this.#thread = undefined;
    else if (this.#thread !== undefined) return;
    for (const { path, reject } of this.#waiting.values()) reject(unusable(path, why));
    this.#waiting.clear();
  }
}

function unusable(path: string, why: string): InprocessError {
  return new InprocessError("transcript_unusable", `The transcript ${path} can't be read: ${why}.`);
}

/** The compiled file beside the compiled one, the source beside the source. */
const THREAD_FILE = new URL(
  import.meta.url.endsWith(".ts") ? "./history-thread.ts" : "./history-thread.js",
  import.meta.url,
);
const IDLE_MS = 30_000;
