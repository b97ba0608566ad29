/** The process-wide lane: at most so many jobs at once, the rest wait in the order they came. */

/** For whom a job waits: the sessions at the top of its tree and right above it. `id` is the run's. */
export type LanePlace = { id: string; tree: string; requester: string };

export class Lane {
  /** Jobs that may run at once. */
  readonly slots: number;
  /** Milliseconds the job that started last had waited. */
  lastWaitMs = 0;
  readonly #waiting: Entry[] = [];
  #running = 0;
  #scheduled = false;

  constructor(slots: number) {
    this.slots = slots;
  }

  /** Jobs that must end before one would start that is enqueued after so many others. */
  aheadOf(others: number): number {
    return Math.max(0, this.#running + this.#waiting.length + others - this.slots + 1);
  }

  /** Slots that no job has. */
  get free(): number {
    return Math.max(0, this.slots - this.#running);
  }

  /** Starts the job in a later turn of the loop; it holds its slot until its promise settles. `job` never rejects. */
  enqueue(place: LanePlace, job: () => Promise<void>): void {
    this.#waiting.push({ place, job, since: performance.now() });
    this.#schedule();
  }

  /** Takes out a job that hasn't started. */
  remove(id: string): void {
    const index = this.#waiting.findIndex(({ place }) => place.id === id);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Whoever enqueues has its answer before the job costs the main thread anything. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#startNext();
    });
  }

  #startNext(): void {
    const until = performance.now() + START_BUDGET_MS;
    while (this.#running < this.slots) {
      // A thousand starts in one turn would hold the gateway's loop for a quarter of a second.
      if (performance.now() > until) return this.#schedule();
      const entry = this.#waiting.shift();
      if (entry === undefined) return;
      this.#running += 1;
      this.lastWaitMs = Math.round(performance.now() - entry.since);
      void entry.job().finally(() => {
        this.#running -= 1;
        if (this.#waiting.length > 0) this.#schedule();
      });
    }
  }
}

/** What starting may take of one turn of the loop. */
const START_BUDGET_MS = 2;

type Entry = { place: LanePlace; job: () => Promise<void>; since: number };
