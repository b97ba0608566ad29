/** All the ways a run can end race here; the first one wins and is recorded once. */

import type { Outcome } from "../types.ts";

export class RunOutcome {
  #first: Outcome | undefined;

  get settled(): Outcome | undefined {
    return this.#first;
  }

  /** True when this ending came first. */
  offer(outcome: Outcome): boolean {
    if (this.#first !== undefined) return false;
    this.#first = outcome;
    return true;
  }
}
