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
  /** Spawns that the gateway may have taken: only it can tell, whenever they are asked again. */
  readonly #doubtful = new Set<string>();
  /** When the gateway may be asked again. */
  #brokenUntil = -Infinity;

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  /**
   * Asks the gateway where that makes sense.
   * @param same what tells this spawn from others, and not from one that is asked again
   * @returns its answer, or undefined when it certainly didn't take the spawn and the same is to run in process
   */
  async ask(same: string, spawn: () => Promise<SpawnResult>): Promise<SpawnResult | undefined> {
    const known = this.#doubtful.has(same);
    if (!known && this.#isBroken()) return undefined;
    const answer = await spawn();
    if (answer.status !== "error") {
      this.#doubtful.delete(same);
      return answer;
    }
    if (MAYBE_TAKEN.has(answer.code)) this.#doubt(same);
    // That it wasn't taken now doesn't say that it wasn't before.
    if (known || !NOT_TAKEN.has(answer.code)) return answer;
    // The first of many tells for all of them.
    if (!this.#isBroken()) {
      this.#brokenUntil = this.#options.now() + this.#options.rememberMs;
      this.#options.onBroken({ code: answer.code, message: answer.error });
    }
    return undefined;
  }

  #doubt(same: string): void {
    this.#doubtful.add(same);
    const [oldest] = this.#doubtful;
    if (this.#doubtful.size > DOUBTS && oldest !== undefined) this.#doubtful.delete(oldest);
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
/** Where a second run might do the work twice. */
const MAYBE_TAKEN: ReadonlySet<Cause["code"]> = new Set<Cause["code"]>(["gateway_lost", "gateway_timeout"]);
/** As many as a gateway remembers keys. */
const DOUBTS = 1_000;
