/**
 * Writes how runs ended. What settles in one turn of the loop is one transaction, outcome and outbox row together, on
 * the disk before anybody is told: settled once, and owed from the same moment.
 */

import { causeOf } from "../errors.ts";
import type { Settlement } from "../registry/settlement.ts";
import type { Outcome } from "../types.ts";
import type { LiveRun } from "./live-run.ts";
import type { Records } from "./parts.ts";
import { settlementOf } from "./settlement-of-run.ts";
import { identity, type TrackedRun } from "./tracked-run.ts";

export class Settler<R extends TrackedRun = LiveRun> {
  readonly #parts: Pick<Records<R>, "registry" | "logger" | "live" | "hub">;
  readonly #onSettled: (run: R, owes: boolean) => void;
  #pending: R[] = [];
  /** The transaction under way to the disk, and the one after it. */
  #writing: Promise<void> | undefined;
  #commit: Promise<void> | undefined;
  /** Endings that are decided and wait for what their runs had said. */
  readonly #partials = new Map<R, Promise<void>>();
  #unsynced: ReadonlySet<string> = new Set();

  /** @param onSettled `owes`: whether a completion is on its way to the run's requester */
  constructor(
    parts: Pick<Records<R>, "registry" | "logger" | "live" | "hub">,
    onSettled: (run: R, owes: boolean) => void,
  ) {
    this.#parts = parts;
    this.#onSettled = onSettled;
  }

  /** Whether completions for this requester are written that a power cut could still take back: they must not be told. */
  holdsFor(requesterSessionKey: string): boolean {
    return this.#unsynced.has(requesterSessionKey);
  }

  /**
   * Offers an ending; the first one wins. Resolves once the run's settlement, whichever it is, is on the disk.
   * @param partial what the run had said is home, or isn't waited for any longer: it is written then. Must not take long.
   */
  async settle(run: R, outcome: Outcome, partial?: Promise<void>): Promise<boolean> {
    const first = run.outcome.offer(outcome);
    if (first) {
      clearTimeout(run.timer);
      if (partial === undefined) this.#take(run);
      else this.#takeAfter(partial, run);
    }
    // When another ending came first, it may be in the transaction under way, or not yet in any.
    await this.#partials.get(run);
    await this.#onDisk();
    return first;
  }

  /** Resolves once every ending offered so far is on the disk and told. */
  async written(): Promise<void> {
    await Promise.all(this.#partials.values());
    await this.#onDisk();
  }

  #take(run: R): void {
    this.#pending.push(run);
    this.#commit ??= this.#commitSoon();
  }

  #takeAfter(partial: Promise<void>, run: R): void {
    const taken = partial.then(() => {
      this.#partials.delete(run);
      this.#take(run);
    });
    this.#partials.set(run, taken);
  }

  async #onDisk(): Promise<void> {
    await Promise.all([this.#writing, this.#commit]);
  }

  /** What settles in this turn of the loop, or while a transaction is on its way to the disk, is one transaction. */
  async #commitSoon(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    await this.#writing;
    this.#writing = this.#commit;
    this.#commit = undefined;
    const runs = this.#pending;
    this.#pending = [];
    await this.#write(runs);
  }

  /** The disk may be full or gone: nobody is told before it stands, so it is tried until it does, or recovery does it. */
  async #write(runs: R[]): Promise<void> {
    const { registry, logger } = this.#parts;
    const at = Date.now();
    const settlements = runs.map((run) => {
      const ended = run.outcome.settled!.cause?.code === "budget";
      return settlementOf(run, at, registry.budgets.useOf(run.id, ended));
    });
    this.#unsynced = new Set(runs.map((run) => run.facts.row.requesterSessionKey));
    for (;;) {
      try {
        registry.settle(settlements);
        await registry.sync();
        break;
      } catch (error) {
        const runIds = runs.map((run) => run.id);
        logger.error({ runIds }, `a settlement can't be written, trying again: ${causeOf(error).message}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.#unsynced = new Set();
    runs.forEach((run, index) => this.#tell(run, settlements[index]!));
  }

  #tell(run: R, settlement: Settlement): void {
    run.state = "settled";
    this.#parts.live.remove(run);
    this.#parts.hub.publish(
      {
        ...identity(run),
        type: "settled",
        outcome: settlement.outcome,
        usage: settlement.usage,
        runtimeMs: runtimeMs(run, settlement.at),
        text: run.text,
        ...(run.answeredBy === undefined ? {} : { model: run.answeredBy }),
      },
      run.facts.row.rootSessionKey,
    );
    this.#onSettled(run, settlement.completion !== undefined);
  }
}

function runtimeMs(run: TrackedRun, at: number): number {
  return run.startedAt === undefined ? 0 : at - run.startedAt;
}

const RETRY_MS = 1000;
