/** The process-wide lane: at most so many jobs at once, the rest wait their turn in the order of fair-queue.ts. */

import { FairQueue, type Place } from "./fair-queue.ts";

/** For whom a job waits. `id` is the run's. */
export type LanePlace = Place & { id: string };

export type LaneOutlook = {
  /**
   * Jobs that must end before one more starts, if nothing else comes. What comes later may still go before it, when it
   * is for a tree or a requester that waits for less.
   */
  aheadOf(place: Place): number;
  /** Counts one in that is going to be enqueued. */
  join(place: Place): void;
};

export class Lane {
  /** Jobs that may run at once. */
  readonly slots: number;
  /** Milliseconds the job that started last had waited. */
  lastWaitMs = 0;
  readonly #waiting = new FairQueue<Entry>();
  readonly #byId = new Map<string, Entry>();
  #running = 0;
  #scheduled = false;

  constructor(slots: number) {
    this.slots = slots;
  }

  /** The lane as it is now, to ask where more jobs would stand. */
  outlook(): LaneOutlook {
    const waiting = this.#waiting.outlook();
    const running = this.#running;
    return {
      aheadOf: (place) => Math.max(0, running + waiting.before(place) - this.slots + 1),
      join: (place) => waiting.join(place),
    };
  }

  /** Slots that no job has. */
  get free(): number {
    return Math.max(0, this.slots - this.#running);
  }

  /** Starts the job in a later turn of the loop; it holds its slot until its promise settles. `job` never rejects. */
  enqueue(place: LanePlace, job: () => Promise<void>): void {
    const entry = { place, job, since: performance.now() };
    this.#waiting.push(entry);
    this.#byId.set(place.id, entry);
    this.#schedule();
  }

  /** Takes out a job that hasn't started. */
  remove(id: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    this.#waiting.remove(entry);
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
      if (this.#byId.get(entry.place.id) === entry) this.#byId.delete(entry.place.id);
      this.#running += 1;
      this.lastWaitMs = Math.round(performance.now() - entry.since);
      void entry.job().finally(() => {
        this.#running -= 1;
        if (this.#waiting.size > 0) this.#schedule();
      });
    }
  }
}

/** What starting may take of one turn of the loop. */
const START_BUDGET_MS = 2;

type Entry = { place: LanePlace; job: () => Promise<void>; since: number };
