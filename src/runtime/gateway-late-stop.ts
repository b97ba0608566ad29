/** Ends runs that couldn't be ended when that was asked for: nothing reaches a run in the gateway's lane before it begins. */

import { setTimeout as delay } from "node:timers/promises";
import { stopRun } from "./gateway-calls.ts";
import type { GatewayLink } from "./gateway-link.ts";
import type { GatewayRun } from "./gateway-run.ts";

export class LateStops {
  readonly #link: GatewayLink;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<GatewayRun>();

  /** @param signal nothing is asked any more */
  constructor(link: GatewayLink, signal: AbortSignal) {
    this.#link = link;
    this.#signal = signal;
  }

  /** For a run with an ending: once it has begun it is told until it is over. That it is over is seen as of any run. */
  insist(run: GatewayRun): void {
    if (run.state === "queued" || this.#underWay.has(run)) return;
    this.#underWay.add(run);
    void this.#tell(run).finally(() => this.#underWay.delete(run));
  }

  async #tell(run: GatewayRun): Promise<void> {
    while (run.outcome.settled === undefined && run.ending !== undefined && !this.#signal.aborted) {
      if (await stopRun(this.#link, run.sessionKey, run.id).catch(() => false)) return;
      await delay(AGAIN_MS, undefined, { signal: this.#signal, ref: false }).catch(() => undefined);
    }
  }
}

const AGAIN_MS = 1_000;
