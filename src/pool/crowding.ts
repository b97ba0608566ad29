/**
 * When a thread is added for runs of `pi`: a while after all threads carried many runs, whether those are done by then or
 * not, for as many will come again. Not at once: a thread that starts costs a tenth of a second of CPU in just the moment
 * when the gateway has five children's calls to answer.
 */

import { messageOf } from "../errors.ts";

export type CrowdingOptions = {
  mayAddOne(): boolean;
  /** Starts a thread and warms it. @returns why that failed, in words */
  addOne(): Promise<string | undefined>;
  onNote(text: string): void;
};

export class Crowding {
  readonly #options: CrowdingOptions;
  #timer: NodeJS.Timeout | undefined;
  #adding: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CrowdingOptions) {
    this.#options = options;
  }

  /** A run was placed among many. */
  seen(): void {
    if (this.#timer !== undefined || this.#adding !== undefined || this.#stopped || !this.#options.mayAddOne()) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#adding = this.#add().finally(() => (this.#adding = undefined));
    }, A_WHILE_MS).unref();
  }

  /** Resolves when no thread is being added any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#adding;
  }

  async #add(): Promise<void> {
    const { addOne, onNote } = this.#options;
    try {
      const failure = await addOne();
      if (failure !== undefined) onNote(`a thread for subagents couldn't be warmed: ${failure}`);
    } catch (error) {
      if (!this.#stopped) onNote(`a thread for subagents was lost while it warmed: ${messageOf(error)}`);
    }
  }
}

/** In half of it five children whose model answers at once are done, on two cores that are busy besides. */
const A_WHILE_MS = 1000;
