/** Lets so much of a kind of work into one turn of the loop, and the rest, in its order, into the turns after it. */

export class TurnBudget {
  readonly #ms: number;
  #until: number | undefined;
  #queue: Promise<void> | undefined;

  /** @param ms what may be spent in one turn */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Undefined when there is time left in this turn, which is the rule; else what to wait for. */
  wait(): Promise<void> | undefined {
    if (this.#queue === undefined && this.#hasTime()) return undefined;
    const turn = (this.#queue ?? Promise.resolve()).then(async () => {
      while (!this.#hasTime()) await new Promise((resolve) => setImmediate(resolve));
      if (this.#queue === turn) this.#queue = undefined;
    });
    this.#queue = turn;
    return turn;
  }

  #hasTime(): boolean {
    if (this.#until === undefined) {
      this.#until = performance.now() + this.#ms;
      setImmediate(() => (this.#until = undefined));
    }
    return performance.now() < this.#until;
  }
}
