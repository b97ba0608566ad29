/** The host's end of a run's channel: hands on what the thread tells, answers what it asks, passes on what it is told. */

import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import type { Cause } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import type { EngineResult, HostRequest, LogLine, ToWorker } from "./protocol.ts";
import { isToHost } from "./wire-check.ts";
import { toWireError } from "./wire-error.ts";

export type HostEndHandlers = {
  started(threadId: number): void;
  opened(): void;
  events(events: EngineEvent[]): void;
  /** Rejections cross the channel with their code. */
  request(request: HostRequest, signal: AbortSignal): Promise<unknown>;
  process(pid: number, alive: boolean): void;
  log(lines: LogLine[]): void;
  steered(count: number): void;
  pong(): void;
  finished(result: EngineResult): void;
  /** A message of unknown shape; the channel is closed. */
  invalid(cause: Cause): void;
};

export class HostEnd {
  readonly #port: MessagePort;
  readonly #handlers: HostEndHandlers;
  readonly #requests = new Map<number, AbortController>();
  #closed = false;

  constructor(port: MessagePort, handlers: HostEndHandlers) {
    this.#port = port;
    this.#handlers = handlers;
    port.on("message", (message: unknown) => this.#receive(message));
  }

  watch(on: boolean): void {
    this.#post({ type: "watch", on });
  }

  steer(text: string): void {
    this.#post({ type: "steer", text });
  }

  abort(cause: Cause): void {
    this.#post({ type: "abort", cause });
  }

  ping(): void {
    this.#post({ type: "ping" });
  }

  /** Takes what had been posted and hasn't been read yet: a thread that is gone posts no more. */
  drain(): void {
    while (!this.#closed) {
      const posted = receiveMessageOnPort(this.#port);
      if (posted === undefined) return;
      this.#receive(posted.message);
    }
  }

  /** Ends the channel and every request still being answered. Safe to call twice. */
  close(): void {
    this.#closed = true;
    this.#port.close();
    for (const controller of this.#requests.values()) controller.abort();
    this.#requests.clear();
  }

  #post(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  #receive(message: unknown): void {
    // What had been posted before the closing still comes in after it.
    if (this.#closed) return;
    if (!isToHost(message)) {
      this.close();
      this.#handlers.invalid({ code: "wire_invalid", message: "The run's thread sent a message of unknown shape." });
      return;
    }
    switch (message.type) {
      case "started":
        return this.#handlers.started(message.threadId);
      case "opened":
        return this.#handlers.opened();
      case "events":
        this.#handlers.events(message.events);
        return this.#post({ type: "credit", batches: 1 });
      case "request":
        return void this.#answer(message.id, message.request);
      case "cancel":
        this.#requests.get(message.id)?.abort();
        return;
      case "process":
        return this.#handlers.process(message.pid, message.alive);
      case "log":
        return this.#handlers.log(message.lines);
      case "steered":
        return this.#handlers.steered(message.count);
      case "pong":
        return this.#handlers.pong();
      case "finished":
        this.close();
        return this.#handlers.finished(message.result);
    }
  }

  async #answer(id: number, request: HostRequest): Promise<void> {
    const controller = new AbortController();
    this.#requests.set(id, controller);
    try {
      const value = await this.#handlers.request(request, controller.signal);
      if (!controller.signal.aborted) this.#post({ type: "reply", id, ok: true, value });
    } catch (error) {
      if (!controller.signal.aborted) this.#post({ type: "reply", id, ok: false, error: toWireError(error) });
    } finally {
      this.#requests.delete(id);
    }
  }
}
