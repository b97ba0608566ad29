/**
 * Who is under which budget, and what was used. Counted here, in the memory of the process that carries the runs, and
 * without an await: nothing is read that could change before it is counted. What a run had used when it settled is
 * written with its settlement; what a dead process counted is worth nothing, for its runs are settled and none goes on.
 *
 * A tree's budget is opened with the first run of its root session and closed with the last: while one of its runs is
 * unsettled, all that are spawned share it. A root session's own turns aren't counted; nobody here sees them.
 */

import type { StatementSync } from "node:sqlite";

import type { BudgetUse, Usage } from "../types.ts";
import type { AdmissionCheck } from "./admission-checks.ts";
import { BudgetAccount, LIMITS, nothing, type Amounts, type Limit, type Shortage } from "./budget-account.ts";
import type { Database } from "./database.ts";
import type { NewRun } from "./run-row.ts";

/** A run under no budget is known to none of these, and passes everywhere. */
export class Budgets {
  readonly #trees = new Map<string, Tree>();
  readonly #seats = new Map<string, Seat>();
  readonly #db: Database;
  readonly #read: StatementSync;

  constructor(db: Database) {
    this.#db = db;
    this.#read = db.prepare("SELECT limits, used FROM budgets WHERE id = ?");
  }

  /** Refuses a spawn under a budget that has nothing left of something, and seats one that is let in. */
  check(): AdmissionCheck {
    return {
      refuse: (run) => {
        const short = this.#above(run)?.shortOf(LIMITS);
        return short === undefined ? undefined : { ok: false, reason: "budget", use: short.account.use(short.limit) };
      },
      take: (run, { treeBudget }) => this.#take(run, treeBudget ?? {}),
      giveBack: ({ runId }) => this.leave(runId),
    };
  }

  /** Whether the run is under any budget. */
  counts(runId: string): boolean {
    return this.#seats.has(runId);
  }

  /** The tree's budget, an object of its own each time it is opened. */
  treeOf(rootSessionKey: string): BudgetAccount | undefined {
    return this.#trees.get(rootSessionKey)?.account;
  }

  /**
   * Reserves a call of a model, or of a tool: counted before it is made, so that no two take the last one. From then on
   * the calls that the run asks for are those that count.
   * @returns false when there is nothing left: the run may call no model any more
   */
  takeCall(runId: string, call: "turns" | "toolCalls"): boolean {
    const seat = this.#seats.get(runId);
    if (seat === undefined) return true;
    seat.asks.add(call);
    seat.exceeded ??= seat.account.shortOf(call === "turns" ? BEFORE_A_TURN : ["toolCalls"]);
    if (seat.exceeded !== undefined) return false;
    seat.account.charge({ ...nothing(), [call]: 1 });
    if (call === "turns") seat.calls += 1;
    return true;
  }

  /** @param usage of the whole run so far; what is counted already isn't counted again */
  spent(runId: string, usage: Usage): void {
    const seat = this.#seats.get(runId);
    if (seat === undefined) return;
    const { totalTokens: tokens, costUsd: usd, turns, toolCalls } = usage;
    seat.answers = Math.max(seat.answers, turns);
    seat.charge({
      tokens,
      usd,
      turns: seat.asks.has("turns") ? 0 : turns,
      toolCalls: seat.asks.size > 0 ? 0 : toolCalls,
    });
  }

  /** A tool call that was seen; one that was asked for is counted already. */
  sawToolCall(runId: string): void {
    const seat = this.#seats.get(runId);
    if (seat?.asks.size === 0) seat.charge({ ...nothing(), toolCalls: seat.counted.toolCalls + 1 });
  }

  /** Why the run may call no model any more. */
  usedUp(runId: string): Shortage | undefined {
    const seat = this.#seats.get(runId);
    return seat?.exceeded ?? seat?.account.shortOf(BEFORE_A_TURN);
  }

  /** Of a run that doesn't ask before it calls its model: what it has used more of than it may. */
  over(runId: string): Shortage | undefined {
    const seat = this.#seats.get(runId);
    if (seat === undefined || seat.asks.has("turns")) return undefined;
    return seat.account.find(({ limits, used }) => LIMITS.find((limit) => used[limit] > (limits[limit] ?? Infinity)));
  }

  /** Whether the run may be in the middle of an answer: it has asked for a call and hasn't told what that used. */
  isAnswering(runId: string): boolean {
    const seat = this.#seats.get(runId);
    return seat !== undefined && (!seat.asks.has("turns") || seat.calls > seat.answers);
  }

  /** A budget of tokens that the run is under and that is used twice: it isn't left to finish its answer. */
  twiceOver(runId: string): Shortage | undefined {
    const { account } = this.#seats.get(runId) ?? {};
    return account?.find(({ limits, used }) => (used.tokens >= 2 * (limits.tokens ?? Infinity) ? "tokens" : undefined));
  }

  /** Tokens that a call may take before it is cut off in its middle: until a budget is used twice. */
  roomToTwice(runId: string): number | undefined {
    const room = this.#seats.get(runId)?.account.roomToTwice ?? Infinity;
    return room === Infinity ? undefined : Math.max(0, room);
  }

  /** The run is being ended for this. */
  exceed(runId: string, { account, limit }: Shortage): void {
    const seat = this.#seats.get(runId);
    if (seat !== undefined) seat.exceeded = { account, limit };
  }

  /**
   * What was used of what: of the budget that ends the run, else of the nearest it is under.
   * @param ended the run ends for its budget
   */
  useOf(runId: string, ended: boolean): BudgetUse | undefined {
    const seat = this.#seats.get(runId);
    if (seat === undefined) return undefined;
    const exceeded = ended ? seat.exceeded : undefined;
    return (exceeded?.account ?? seat.account).use(exceeded?.limit);
  }

  /** The same of a settled run, as it was written with its settlement. */
  settledUse(runId: string): BudgetUse | undefined {
    const row = this.#db.read(() => this.#read.get(budgetId(runId)));
    if (row === undefined) return undefined;
    const limits = JSON.parse(String(row["limits"])) as Omit<BudgetUse, "used">;
    return { ...limits, used: JSON.parse(String(row["used"])) as BudgetUse["used"] };
  }

  /** A session goes on under another run, which has used nothing itself: its budget goes over as it stands. */
  restart(run: NewRun, supersededRunId: string): void {
    const seat = this.#seats.get(supersededRunId);
    if (seat === undefined) return;
    this.#seats.delete(supersededRunId);
    const next = new Seat(seat.account, seat.tree);
    next.exceeded = seat.exceeded;
    this.#seats.set(run.runId, next);
  }

  /** It has settled, or wasn't let in after all. */
  leave(runId: string): void {
    const seat = this.#seats.get(runId);
    this.#seats.delete(runId);
    const tree = seat?.tree;
    if (tree === undefined) return;
    tree.runs -= 1;
    if (tree.runs === 0) this.#trees.delete(tree.rootSessionKey);
  }

  #take(run: NewRun, treeBudget: BudgetUse["limits"]): void {
    const { rootSessionKey, createdAt } = run;
    let tree = this.#trees.get(rootSessionKey);
    if (tree === undefined && Object.keys(treeBudget).length > 0) {
      tree = { rootSessionKey, account: new BudgetAccount("tree", treeBudget, undefined, createdAt), runs: 0 };
      this.#trees.set(rootSessionKey, tree);
    }
    const above = this.#above(run);
    const account = run.budget === undefined ? above : new BudgetAccount("run", run.budget, above, createdAt);
    if (account === undefined) return;
    if (tree !== undefined) tree.runs += 1;
    this.#seats.set(run.runId, new Seat(account, tree));
  }

  #above({ parentRunId, rootSessionKey }: NewRun): BudgetAccount | undefined {
    const parent = parentRunId === undefined ? undefined : this.#seats.get(parentRunId);
    return parent?.account ?? this.treeOf(rootSessionKey);
  }
}

/** The name of a settled run's row. */
export function budgetId(runId: string): string {
  return `run:${runId}`;
}

type Tree = { rootSessionKey: string; account: BudgetAccount; runs: number };

/** A run under a budget. */
class Seat {
  readonly account: BudgetAccount;
  readonly tree: Tree | undefined;
  /** The calls it asks for before it makes them. */
  readonly asks = new Set<"turns" | "toolCalls">();
  exceeded: Shortage | undefined;
  /** Calls of its model that were allowed, and those it has told of since. */
  calls = 0;
  answers = 0;
  /** What it was seen to have used, apart from the calls it asked for. */
  readonly counted: Amounts = nothing();

  constructor(account: BudgetAccount, tree: Tree | undefined) {
    this.account = account;
    this.tree = tree;
  }

  /** @param sofar of the run as a whole; less than was counted already is nothing new */
  charge(sofar: Amounts): void {
    const more = nothing();
    for (const limit of LIMITS) {
      more[limit] = Math.max(0, sofar[limit] - this.counted[limit]);
      this.counted[limit] += more[limit];
    }
    this.account.charge(more);
  }
}

/** A run without tool calls left may still answer. */
const BEFORE_A_TURN: readonly Limit[] = ["tokens", "usd", "turns"];
