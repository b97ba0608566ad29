/**
 * Who is under which budget, and what was used. Counted here, in the memory of the process that carries the runs, and
 * without an await: nothing is read that could change before it is counted. What a run's budget had been used of is
 * written when one of its model calls is counted, for whoever settles the run after this process has died, and with its
 * settlement. A dead process's budgets go no further: its runs are settled and none goes on.
 *
 * A tree's budget is opened with the first run of its root session and closed with the last: while one of its runs is
 * unsettled, all that are spawned share it. A root session's own turns aren't counted; nobody here sees them.
 * The budget of a session that stays goes on from one of its runs to the next: session-budgets.ts.
 */

import type { Budget, BudgetUse, Usage } from "../types.ts";
import type { AdmissionCheck } from "./admission-checks.ts";
import { BudgetAccount, COUNTED, LIMITS, nothing, type Limit, type Shortage } from "./budget-account.ts";
import { Seat, type Tree } from "./budget-seat.ts";
import type { BudgetUses } from "./budget-uses.ts";
import type { NewRun } from "./run-row.ts";
import { SessionBudgets } from "./session-budgets.ts";

/** A run under no budget is known to none of these, and passes everywhere. */
export class Budgets {
  readonly #trees = new Map<string, Tree>();
  readonly #seats = new Map<string, Seat>();
  readonly #uses: BudgetUses;
  readonly #sessions: SessionBudgets;

  constructor(uses: BudgetUses) {
    this.#uses = uses;
    this.#sessions = new SessionBudgets(uses);
  }

  /**
   * Refuses a spawn under a budget that has nothing left of something, and a follow-up in a session whose own allows no
   * model call any more; seats one that is let in.
   */
  check(): AdmissionCheck {
    return {
      refuse: (run) => {
        const above = this.#above(run);
        const short = above?.shortOf(LIMITS) ?? this.#sessions.look(run, above)?.shortOf(BEFORE_A_TURN);
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

  /** The budgets that the run is under, the nearest first; each is an object of its own, every time it is opened. */
  accountsOf(runId: string): BudgetAccount[] {
    return this.#seats.get(runId)?.account.chain ?? [];
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
    if (call === "turns") seat.giveUpAnswer();
    seat.exceeded ??= seat.account.shortOf(call === "turns" ? BEFORE_A_TURN : ["toolCalls"]);
    if (seat.exceeded !== undefined) return false;
    seat.begin(call);
    if (call === "turns") this.#keep(runId, seat);
    return true;
  }

  /** @param tokens that the answer under way has taken so far: they count until it is told what it used */
  answering(runId: string, tokens: number): void {
    this.#seats.get(runId)?.answering(tokens);
  }

  /** @param usage of the whole run so far; what is counted already isn't counted again */
  spent(runId: string, usage: Usage): void {
    const seat = this.#seats.get(runId);
    if (seat === undefined) return;
    const { totalTokens: tokens, costUsd: usd, turns, toolCalls } = usage;
    seat.answered(turns, tokens);
    const isMore = seat.charge({
      tokens,
      usd,
      turns: seat.asks.has("turns") ? 0 : turns,
      toolCalls: seat.asks.size > 0 ? 0 : toolCalls,
    });
    if (isMore) this.#keep(runId, seat);
  }

  /** A tool call that was seen; one that was asked for is counted already. */
  sawToolCall(runId: string): void {
    const seat = this.#seats.get(runId);
    if (seat?.asks.size === 0) seat.charge({ ...nothing(), toolCalls: seat.seenToolCalls + 1 });
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
    return seat.account.find(({ limits, used }) => COUNTED.find((limit) => used[limit] > (limits[limit] ?? Infinity)));
  }

  /** Whether the run may be in the middle of an answer: it has asked for a call and hasn't told what that used. */
  isAnswering(runId: string): boolean {
    return this.#seats.get(runId)?.isAnswering === true;
  }

  /** A budget of tokens that the run is under and that is used twice: it isn't left to finish its answer. */
  twiceOver(runId: string): Shortage | undefined {
    const { account } = this.#seats.get(runId) ?? {};
    return account?.find(({ limits, used }) => (used.tokens >= 2 * (limits.tokens ?? Infinity) ? "tokens" : undefined));
  }

  /** Tokens until a budget is used twice: an answer that takes as many is stopped in its middle. */
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

  /** The same as it was written last: with the settlement, or before its process died. */
  writtenUse(runId: string): BudgetUse | undefined {
    return this.#uses.of(runId);
  }

  /** A session goes on under another run, which has used nothing itself: its budget goes over as it stands. */
  restart(runId: string, supersededRunId: string): void {
    const seat = this.#seats.get(supersededRunId);
    if (seat === undefined) return;
    seat.giveUpAnswer();
    this.#seats.delete(supersededRunId);
    const next = new Seat(seat.account, seat.tree);
    next.exceeded = seat.exceeded;
    this.#seats.set(runId, next);
  }

  /** It has settled, or wasn't let in after all. */
  leave(runId: string): void {
    const seat = this.#seats.get(runId);
    if (seat === undefined) return;
    seat.giveUpAnswer();
    this.#seats.delete(runId);
    const { tree, account } = seat;
    this.#sessions.leave(account.chain, (left) =>
      [...this.#seats.values()].some((other) => other.account.chain.includes(left)),
    );
    if (tree === undefined) return;
    tree.runs -= 1;
    if (tree.runs === 0) this.#trees.delete(tree.rootSessionKey);
  }

  #take(run: NewRun, treeBudget: Budget): void {
    const { rootSessionKey, createdAt } = run;
    let tree = this.#trees.get(rootSessionKey);
    if (tree === undefined && Object.keys(treeBudget).length > 0) {
      tree = { rootSessionKey, account: new BudgetAccount("tree", treeBudget, undefined, createdAt), runs: 0 };
      this.#trees.set(rootSessionKey, tree);
    }
    const above = this.#above(run);
    const ofSession = this.#sessions.look(run, above);
    if (ofSession !== undefined) this.#sessions.open(run, ofSession);
    const own = run.budget && new BudgetAccount("run", run.budget, above, createdAt);
    const account = ofSession ?? own ?? above;
    if (account === undefined) return;
    if (tree !== undefined) tree.runs += 1;
    this.#seats.set(run.runId, new Seat(account, tree));
  }

  #above({ parentRunId, rootSessionKey }: NewRun): BudgetAccount | undefined {
    const parent = parentRunId === undefined ? undefined : this.#seats.get(parentRunId);
    return parent?.account ?? this.#trees.get(rootSessionKey)?.account;
  }

  /** Counting goes on though the file can't be written: what it missed is in what is written next. */
  #keep(runId: string, seat: Seat): void {
    try {
      this.#uses.keep(runId, seat.account.use());
      this.#sessions.keep(seat.account.chain);
    } catch {
      return;
    }
  }
}

/** A run without tool calls left may still answer. */
const BEFORE_A_TURN: readonly Limit[] = ["tokens", "usd", "turns", "wallSeconds"];
