/** Run events to whoever watches. A consumer that doesn't keep up loses text, never the life of a run. */

import type { EventFilter, RunEvent } from "../events.ts";

export class EventHub {
  readonly #consumers = new Set<Consumer>();
  readonly #onWatch: () => void;

  /** @param onWatch called when the answer of `wantsText` may have changed */
  constructor(onWatch: () => void = () => undefined) {
    this.#onWatch = onWatch;
  }

  publish(event: RunEvent, rootSessionKey: string): void {
    for (const consumer of this.#consumers) consumer.offer(event, rootSessionKey);
  }

  /** Whether anybody wants `text` and `thinking` of a run. */
  wantsText(runId: string, rootSessionKey: string): boolean {
    return [...this.#consumers].some((consumer) => consumer.wants("text", runId, rootSessionKey));
  }

  subscribe(filter: EventFilter = {}): AsyncIterable<RunEvent> {
    const consumer = new Consumer(filter, () => {
      this.#consumers.delete(consumer);
      this.#onWatch();
    });
    this.#consumers.add(consumer);
    this.#onWatch();
    return consumer;
  }

  close(): void {
    for (const consumer of [...this.#consumers]) consumer.end();
  }
}

class Consumer implements AsyncIterable<RunEvent> {
  readonly #filter: EventFilter;
  readonly #onEnd: () => void;
  #queue: RunEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(filter: EventFilter, onEnd: () => void) {
    this.#filter = filter;
    this.#onEnd = onEnd;
  }

  wants(type: RunEvent["type"], runId: string, rootSessionKey: string): boolean {
    const filter = this.#filter;
    if ((type === "text" || type === "thinking") && filter.text !== true) return false;
    if (filter.runId !== undefined && filter.runId !== runId) return false;
    return filter.rootSessionKey === undefined || filter.rootSessionKey === rootSessionKey;
  }

  offer(event: RunEvent, rootSessionKey: string): void {
    if (!this.wants(event.type, event.runId, rootSessionKey)) return;
    const isText = event.type === "text" || event.type === "thinking";
    if (isText && this.#queue.length >= TEXT_QUEUE_CAP) return;
    this.#queue.push(event);
    this.#wake?.();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunEvent> {
    try {
      for (;;) {
        const batch = this.#queue;
        this.#queue = [];
        yield* batch;
        if (this.#queue.length > 0) continue;
        if (this.#ended) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      }
    } finally {
      this.end();
    }
  }
}

const TEXT_QUEUE_CAP = 10_000;
