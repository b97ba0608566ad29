/**
 * Runs of gateways that a dead process waited for. This process's gateway still has its own, or has their answer; of
 * another gateway's only a process that asks that one can know more, and while there may be such a process they are
 * left to it.
 */

import type { RunRow } from "../registry/run-row.ts";
import type { Outcome } from "../types.ts";
import { KILLED } from "./gateway-ending.ts";
import type { Following } from "./gateway-follow.ts";
import { endWish, gatewayOf, GatewayRun, type GatewayParts } from "./gateway-run.ts";
import type { Settler } from "./settler.ts";

export class Adoption {
  readonly #parts: GatewayParts;
  readonly #settler: Settler<GatewayRun>;
  readonly #following: Following;
  /** Left by the last look to other processes. */
  #seen: ReadonlySet<string> = new Set();

  constructor(parts: GatewayParts, settler: Settler<GatewayRun>, following: Following) {
    this.#parts = parts;
    this.#settler = settler;
    this.#following = following;
  }

  /** Takes over what is left and follows it to its end. Time-outs are the gateway's to keep. */
  look(): void {
    const { registry, gateway, logger } = this.#parts;
    const alone = registry.isAlone();
    const others = new Set<string>();
    const mayTake = (row: RunRow): boolean => {
      const keeper = gatewayOf(row);
      // One that was being given up for another in its session is settled like any that is left.
      if (keeper === undefined || registry.byChildSession(row.childSessionKey)?.runId !== row.runId) return false;
      if (keeper === gateway || alone || this.#seen.has(row.runId)) return true;
      others.add(row.runId);
      return false;
    };
    const left = registry.adoptDead(Date.now(), mayTake);
    this.#seen = others;
    for (const row of left) {
      const { runId } = row;
      const keeper = gatewayOf(row)!;
      if (keeper === gateway) {
        logger.warn({ runId }, "a run in the gateway is taken over: the process that waited for it had ended");
        const run = this.#asLive(row);
        this.#following.follow(run);
        if (registry.intents.find(endWish(runId)) !== undefined) this.#following.endOnceBegun(run, KILLED);
      } else {
        logger.warn({ runId, gateway: keeper }, "a run is given up: its gateway isn't the one that is asked now");
        void this.#settler.settle(this.#asLive(row), outOfReach(keeper, gateway));
      }
    }
  }

  #asLive(row: RunRow): GatewayRun {
    const isUnanswered = this.#parts.registry.intents.find(row.runId)?.run !== undefined;
    const doubt = isUnanswered ? { doubt: {} } : {};
    const run = new GatewayRun(row, 0, { acceptedAt: row.createdAt, isAdopted: true, ...doubt });
    run.startedAt = row.startedAt;
    if (row.state !== "queued") run.state = "running";
    this.#parts.live.add(run);
    return run;
  }
}

function outOfReach(keeper: string, gateway: string): Outcome {
  const message = `The run was given to the gateway at ${keeper}, and this process asks the one at ${gateway}, so how it ends isn't known; it may still be at work there.`;
  return { status: "interrupted", cause: { code: "run_interrupted", message } };
}
