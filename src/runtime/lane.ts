/**
 * The process-wide lane: at most so many jobs at once, the rest wait their turn in the order of fair-queue.ts. A job
 * that only waits for others gives its slot back meanwhile, or those it waits for might never get one.
 *
 * State of a job: `queued → held ⇄ lent → over`, from `lent` back by way of `returning`: it stands in the queue again.
 * Invariant: `#held` jobs are `held`, and never more than `slots`; what is `queued` or `returning` stands in `#waiting`
 * once, anything else doesn't; a job goes on from a wait only when it is `held` or `over`.
 */

import { FairQueue, type Place } from "./fair-queue.ts";

/** For whom a job waits. `id` is the run's. */
export type LanePlace = Place & { id: string };

/** A job's own, from its place in the queue to its end. */
export type Slot = {
  /**
   * Waits without the slot: it is given back at once, and `wait`'s end is told when the job has it again, or is over.
   * Of several waits at a time the slot is asked for again after the last, and none of them is told before. A job that
   * isn't at work has nothing to give: for it this is `wait` itself.
   */
  without<T>(wait: Promise<T>): Promise<T>;
};

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
  #held = 0;
  #scheduled = false;

  constructor(slots: number) {
    this.slots = slots;
  }

  /** The lane as it is now, to ask where more jobs would stand. */
  outlook(): LaneOutlook {
    const waiting = this.#waiting.outlook();
    const held = this.#held;
    return {
      aheadOf: (place) => Math.max(0, held + waiting.before(place) - this.slots + 1),
      join: (place) => waiting.join(place),
    };
  }

  /** Slots that no job has. */
  get free(): number {
    return Math.max(0, this.slots - this.#held);
  }

  /**
   * Starts the job in a later turn of the loop; it holds its slot until its promise settles, but for what it waits for
   * without. `job` never rejects.
   */
  enqueue(place: LanePlace, job: () => Promise<void>): Slot {
    const entry: Entry = { place, job, since: performance.now(), state: "queued", waits: 0 };
    this.#waiting.push(entry);
    this.#byId.set(place.id, entry);
    this.#schedule();
    return { without: (wait) => this.#without(entry, wait) };
  }

  /** Takes out a job that hasn't started. */
  remove(id: string): void {
    const entry = this.#byId.get(id);
    if (entry === undefined) return;
    this.#byId.delete(id);
    this.#waiting.remove(entry);
  }

  async #without<T>(entry: Entry, wait: Promise<T>): Promise<T> {
    if (entry.state === "queued" || entry.state === "over") return wait;
    entry.waits += 1;
    this.#lend(entry);
    try {
      return await wait;
    } finally {
      entry.waits -= 1;
      if (entry.waits === 0) this.#askBack(entry);
      await entry.back?.promise;
    }
  }

  #lend(entry: Entry): void {
    if (entry.state === "held") {
      this.#held -= 1;
      entry.back = Promise.withResolvers();
      this.#schedule();
    }
    // It waits again before it had the slot back.
    if (entry.state === "returning") this.#waiting.remove(entry);
    entry.state = "lent";
  }

  #askBack(entry: Entry): void {
    if (entry.state !== "lent") return;
    entry.state = "returning";
    this.#waiting.push(entry);
    this.#schedule();
  }

  /** The job has ended, wherever its slot was; whoever still waits in its name is kept no longer. */
  #over(entry: Entry): void {
    if (entry.state === "held") this.#held -= 1;
    if (entry.state === "returning") this.#waiting.remove(entry);
    entry.state = "over";
    entry.back?.resolve();
    if (this.#waiting.size > 0) this.#schedule();
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
    while (this.#held < this.slots) {
      // A thousand starts in one turn would hold the gateway's loop for a quarter of a second.
      if (performance.now() > until) return this.#schedule();
      const entry = this.#waiting.shift();
      if (entry === undefined) return;
      this.#held += 1;
      if (entry.state === "returning") {
        entry.state = "held";
        entry.back?.resolve();
      } else this.#start(entry);
    }
  }

  #start(entry: Entry): void {
    entry.state = "held";
    if (this.#byId.get(entry.place.id) === entry) this.#byId.delete(entry.place.id);
    this.lastWaitMs = Math.round(performance.now() - entry.since);
    void entry.job().finally(() => this.#over(entry));
  }
}

/** What starting may take of one turn of the loop. */
const START_BUDGET_MS = 2;

type Entry = {
  place: LanePlace;
  job: () => Promise<void>;
  since: number;
  state: "queued" | "held" | "lent" | "returning" | "over";
  /** What it waits for without its slot, at this moment. */
  waits: number;
  /** Resolves when a slot that was lent is held again, or the job is over. */
  back?: PromiseWithResolvers<void>;
};
