/** Whether the gateway is worth asking. */

import type { Cause } from "../errors.ts";
import type { SpawnResult } from "../types.ts";

export type ChoiceOptions = {
  /** Milliseconds a gateway that took no spawn isn't asked for another. */
  rememberMs: number;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Told once each time the gateway turns out not to be usable. */
  onBroken(cause: Cause): void;
};

/**
 * The gateway until it takes no spawn, then nobody for a while, then the gateway again. Spawns that come while it is
 * still being asked ask it too: they share its one connection, and so the end of it.
 */
export class FallbackChoice {
  readonly #options: ChoiceOptions;
  /** When the gateway may be asked again. */
  #brokenUntil = -Infinity;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  /**
   * Asks the gateway where that makes sense.
   * @param isItsOwn the gateway has taken this spawn already, or may have: only it can tell
   * @returns its answer, or undefined when it certainly didn't take the spawn and the same is to run in process
   */
  async ask(isItsOwn: boolean, spawn: () => Promise<SpawnResult>): Promise<SpawnResult | undefined> {
    if (!isItsOwn && this.#isBroken()) return undefined;
    const answer = await spawn();
    // That it isn't taken now doesn't say that it wasn't before.
    if (isItsOwn || answer.status !== "error" || !NOT_TAKEN.has(answer.code)) return answer;
    // The first of many tells for all of them.
    if (!this.#isBroken()) {
      this.#brokenUntil = this.#options.now() + this.#options.rememberMs;
      this.#options.onBroken({ code: answer.code, message: answer.error });
    }
    return undefined;
  }

  #isBroken(): boolean {
    return this.#options.now() < this.#brokenUntil;
  }
}

/** Codes that a gateway's `spawn` gives only when the gateway certainly didn't accept the run. */
const NOT_TAKEN: ReadonlySet<Cause["code"]> = new Set<Cause["code"]>([
  "gateway_unreachable",
  "gateway_pairing_required",
  "gateway_unauthorized",
  "gateway_refused",
]);
