/**
 * A run's end of the channel, in its thread. Events go out in batches, each paid with a credit the host gives back once
 * it has handled one: a host that is busy makes the thread hold (and merge) its events instead of flooding the host's loop.
 */

import type { MessagePort } from "node:worker_threads";
import { InprocessError, type Cause } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import type { EngineResult, HostRequestKind, HostRequests, LogLine, ToHost } from "./protocol.ts";
import { isToWorker } from "./wire-check.ts";
import { fromWireError } from "./wire-error.ts";

export type WorkerEndHandlers = { abort(cause: Cause): void; steer(text: string): void };

export class WorkerEnd {
  /** Whether `text` and `thinking` are wanted on the other side. */
  watched = false;
  readonly #port: MessagePort;
  readonly #handlers: WorkerEndHandlers;
  readonly #replies = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #pending: EngineEvent[] = [];
  #lines: LogLine[] = [];
  #credit = START_CREDIT;
  #nextId = 1;
  #flush: NodeJS.Timeout | NodeJS.Immediate | undefined;
  #flushIsSoon = false;

  constructor(port: MessagePort, handlers: WorkerEndHandlers) {
    this.#port = port;
    this.#handlers = handlers;
    port.on("message", (message: unknown) => this.#receive(message));
  }

  post(message: ToHost): void {
    this.#port.postMessage(message);
  }

  emit(event: EngineEvent): void {
    const isText = event.type === "text" || event.type === "thinking";
    if (isText && !this.watched) return;
    const last = this.#pending.at(-1);
    if (isText && last?.type === event.type) last.text += event.text;
    else this.#pending.push(isText ? { ...event } : event);
    this.#schedule(!isText);
  }

  log(line: LogLine): void {
    this.#lines.push(line);
    this.#schedule(line.level === "error");
  }

  /** @throws InprocessError with the host's code; the signal's reason when aborted first */
  request<K extends HostRequestKind>(
    kind: K,
    params: HostRequests[K]["params"],
    signal?: AbortSignal,
  ): Promise<HostRequests[K]["reply"]> {
    if (signal?.aborted) return Promise.reject(abortError(signal));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#replies.delete(id);
        this.post({ type: "cancel", id });
        reject(abortError(signal!));
      };
      const done = (): void => {
        this.#replies.delete(id);
        signal?.removeEventListener("abort", onAbort);
      };
      this.#replies.set(id, {
        resolve: (value) => (done(), resolve(value as HostRequests[K]["reply"])),
        reject: (error) => (done(), reject(error)),
      });
      signal?.addEventListener("abort", onAbort, { once: true });
      // What was told before the request is seen before it.
      this.#send();
      this.post({ type: "request", id, request: { kind, ...params } as never });
    });
  }

  /** Sends all that is held, then the result, then closes. */
  finish(result: EngineResult): void {
    this.#credit = Math.max(this.#credit, 1);
    this.#send();
    this.post({ type: "finished", result });
    this.#port.close();
    for (const reply of [...this.#replies.values()])
      reply.reject(new InprocessError("worker_lost", "The run is over."));
  }

  #receive(message: unknown): void {
    if (!isToWorker(message)) return;
    switch (message.type) {
      case "credit":
        this.#credit += message.batches;
        if (this.#pending.length > 0) this.#schedule(true);
        return;
      case "watch":
        this.watched = message.on;
        return;
      case "steer":
        return this.#handlers.steer(message.text);
      case "abort":
        return this.#handlers.abort(message.cause);
      case "ping":
        return this.post({ type: "pong" });
      case "reply": {
        const waiting = this.#replies.get(message.id);
        if (message.ok) waiting?.resolve(message.value);
        else waiting?.reject(fromWireError(message.error));
      }
    }
  }

  #schedule(soon: boolean): void {
    if (this.#flush !== undefined && (this.#flushIsSoon || !soon)) return;
    if (this.#flush !== undefined) clearTimeout(this.#flush as NodeJS.Timeout);
    this.#flushIsSoon = soon;
    this.#flush = soon ? setImmediate(() => this.#send()) : setTimeout(() => this.#send(), TEXT_BATCH_MS);
  }

  #send(): void {
    if (this.#flush !== undefined) {
      if (this.#flushIsSoon) clearImmediate(this.#flush as NodeJS.Immediate);
      else clearTimeout(this.#flush as NodeJS.Timeout);
      this.#flush = undefined;
    }
    if (this.#lines.length > 0) this.post({ type: "log", lines: this.#lines.splice(0) });
    if (this.#pending.length === 0 || this.#credit === 0) return;
    this.#credit -= 1;
    this.post({ type: "events", events: this.#pending });
    this.#pending = [];
  }
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new InprocessError("run_killed", "The call was aborted.");
}

/** Batches that may be under way before the host has handled one. */
const START_CREDIT = 4;
/** 16 ms batches doubled the main thread's CPU in the prototype (design §8). */
const TEXT_BATCH_MS = 50;
