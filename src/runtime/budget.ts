/**
 * Budgets at work: calls are let through or refused, what runs use is counted, and a run that has used up a budget is
 * ended. An engine that asks before its calls is ended by its next one, cleanly; one that doesn't, as soon as it is
 * seen. Tokens used twice over end an answer in its middle, and so does time.
 */

import type { HostRequests } from "../channel/protocol.ts";
import { InprocessError, type Cause } from "../errors.ts";
import type { EngineEvent } from "../events.ts";
import { budgetSentence } from "../policy/budget.ts";
import type { BudgetAccount, Shortage } from "../registry/budget-account.ts";
import type { BudgetUse, Usage } from "../types.ts";
import { BudgetClocks } from "./budget-clocks.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import { unpriced, unpricedWarning } from "./prices.ts";
import type { Settler } from "./settler.ts";

type Counting = Pick<Parts, "registry">;

/** @throws InprocessError `budget`: the run may call no model any more */
export function allowModelCall(
  { registry: { budgets } }: Counting,
  run: LiveRun,
  turn: Usage,
): HostRequests["model_call"]["reply"] {
  run.using(turn);
  budgets.spent(run.id, run.usage);
  if (!budgets.takeCall(run.id, "turns")) throw usedUp(budgets.useOf(run.id, true)!);
  const tokens = budgets.roomToTwice(run.id);
  return tokens === undefined ? {} : { tokens };
}

/** @throws InprocessError `budget`: with what this answer has taken so far a budget is used twice */
export function allowAnswer({ registry }: Counting, run: LiveRun, tokens: number): void {
  registry.budgets.answering(run.id, tokens);
  const short = registry.budgets.twiceOver(run.id);
  if (short === undefined) return;
  registry.budgets.exceed(run.id, short);
  throw usedUp(short.account.use(short.limit));
}

/** @throws InprocessError `budget`: no tool call is left, and after this one the run may call no model any more */
export function allowToolCall({ registry: { budgets } }: Counting, run: LiveRun): void {
  if (!budgets.takeCall(run.id, "toolCalls")) throw usedUp(budgets.useOf(run.id, true)!);
}

/** Why a run may take no further turn, if it may not. */
export function turnRefused({ registry }: Counting, run: LiveRun): Cause | undefined {
  const short = registry.budgets.usedUp(run.id);
  return short === undefined ? undefined : blame({ registry }, run, short);
}

export class BudgetWatch {
  readonly #parts: Pick<Parts, "registry" | "live" | "lane" | "config" | "logger">;
  readonly #settler: Settler;
  /** Models that were warned of. */
  readonly #unpriced = new Set<string>();
  /** Told to stop, and not settled yet. */
  readonly #ending = new WeakSet<LiveRun>();
  readonly #clocks: BudgetClocks;

  constructor(parts: Pick<Parts, "registry" | "live" | "lane" | "config" | "logger">, settler: Settler) {
    this.#parts = parts;
    this.#settler = settler;
    this.#clocks = new BudgetClocks((account) => this.#timeUp(account));
  }

  /** A run was let in, or goes on in another's place; more than once is as once. */
  admitted({ id, facts: { model } }: LiveRun): void {
    const accounts = this.#parts.registry.budgets.accountsOf(id);
    this.#clocks.enter(id, accounts);
    const inUsd = accounts.filter(({ limits }) => limits.usd !== undefined);
    const ref = inUsd.length === 0 ? undefined : unpriced(this.#parts.config, model);
    if (ref === undefined) return;
    for (const account of inUsd) account.isUnpriced = true;
    if (this.#unpriced.has(ref)) return;
    this.#unpriced.add(ref);
    this.#parts.logger.warn({ runId: id }, unpricedWarning(ref));
  }

  settled({ id }: LiveRun): void {
    this.#clocks.leave(id);
  }

  /** An engine told something. */
  heard(run: LiveRun, event: EngineEvent): void {
    const { budgets } = this.#parts.registry;
    if (!budgets.counts(run.id)) return;
    if (event.type === "tool_start") budgets.sawToolCall(run.id);
    else if (event.type !== "usage") return;
    this.counted(run);
    const over = budgets.over(run.id);
    if (over !== undefined) void this.#end(run, over);
  }

  /** The run's usage has grown. */
  counted(run: LiveRun): void {
    const { registry, live } = this.#parts;
    registry.budgets.spent(run.id, run.usage);
    if (registry.budgets.twiceOver(run.id) === undefined) return;
    // This run has just finished an answer, or a step of its own; others may be in the middle of one.
    for (const other of live.all()) {
      if (other === run || other.execution === undefined || !registry.budgets.isAnswering(other.id)) continue;
      const over = registry.budgets.twiceOver(other.id);
      if (over !== undefined) void this.#end(other, over);
    }
  }

  #timeUp(account: BudgetAccount): void {
    const { live, registry } = this.#parts;
    for (const run of live.all()) {
      if (registry.budgets.accountsOf(run.id).includes(account)) void this.#end(run, { account, limit: "wallSeconds" });
    }
  }

  async #end(run: LiveRun, short: Shortage): Promise<void> {
    if (run.outcome.settled !== undefined || this.#ending.has(run)) return;
    this.#ending.add(run);
    const cause = blame(this.#parts, run, short);
    this.#parts.lane.remove(run.id);
    // The abort brings the partial answer home, and settles; a turn that doesn't let go is settled without.
    await run.stop(cause);
    await this.#settler.settle(run, { status: "error", cause });
  }
}

/** The run is being ended for this. */
function blame({ registry: { budgets } }: Counting, run: LiveRun, short: Shortage): Cause {
  budgets.exceed(run.id, short);
  const { code, message } = usedUp(short.account.use(short.limit));
  return { code, message };
}

function usedUp(use: BudgetUse): InprocessError {
  return new InprocessError("budget", budgetSentence(use));
}
