/** Work that nobody waits for while the runtime is open, and that a closing one lets end before its registry is closed. */

import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";

export class Loose {
  readonly #logger: Logger;
  readonly #underWay = new Set<Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param failed what is logged when it fails, with the reason after it */
  add(runId: string, work: Promise<unknown>, failed: string): void {
    const done = work
      .then(
        () => undefined,
        (error: unknown) => this.#logger.warn({ runId }, `${failed}: ${messageOf(error)}`),
      )
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** Resolves when all that was added so far has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
