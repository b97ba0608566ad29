/**
 * Lets in together what is spawned in one turn of the loop: a transaction of its own costs a run as much again. A burst
 * goes on in the turns after it, so that a thousand spawns called at once hold the gateway's loop for a moment each.
 */

export class AdmissionBatch<T, R> {
  readonly #admit: (entries: T[]) => R[];
  readonly #waiting: { entry: T; admitted: (result: R) => void; failed: (error: unknown) => void }[] = [];
  #isScheduled = false;

  /** @param admit answers each entry in its order; or throws, and has let in none */
  constructor(admit: (entries: T[]) => R[]) {
    this.#admit = admit;
  }

  /** First come, first let in: at the end of this turn, or in a later one when many came before. */
  add(entry: T): Promise<R> {
    return new Promise((admitted, failed) => {
      this.#waiting.push({ entry, admitted, failed });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      // Behind the other spawns of this turn, whose way here takes as many microtasks.
      queueMicrotask(() => this.#admitSome());
    });
  }

  #admitSome(): void {
    const some = this.#waiting.splice(0, MOST_AT_ONCE);
    this.#isScheduled = this.#waiting.length > 0;
    if (this.#isScheduled) setImmediate(() => this.#admitSome());
    try {
      const results = this.#admit(some.map(({ entry }) => entry));
      results.forEach((result, index) => some[index]!.admitted(result));
    } catch (error) {
      for (const { failed } of some) failed(error);
    }
  }
}

/** As many as one session may have children, and some two milliseconds of the loop. */
const MOST_AT_ONCE = 20;
