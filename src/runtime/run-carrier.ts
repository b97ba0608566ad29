/**
 * Carries a run from the lane through its turns to its settlement. A run has one turn when it spawns nothing; an
 * orchestrator has another each time its children are done. A turn whose thread was lost is gone on with from its
 * transcript, alone in a dedicated thread; the second loss is the run's own fault.
 */

import { causeOf, type Cause } from "../errors.ts";
import type { EngineEvent, LifecycleEvent } from "../events.ts";
import { writeThreadLines } from "../log.ts";
import { turnRefused, type BudgetWatch } from "./budget.ts";
import { childContext } from "./child-tools.ts";
import { engineTask, type Turn } from "./engine-task.ts";
import { Execution, type ExecutionEnd } from "./execution.ts";
import { answerRequest } from "./host-requests.ts";
import { placeOf, type LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { Settler } from "./settler.ts";
import { identity } from "./tracked-run.ts";
import { clip } from "../sessions/clip.ts";
import { afterFailure, afterTurn } from "./turn-end.ts";
import type { Outcome, OutcomeStatus } from "../types.ts";

export class RunCarrier {
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #budgets: BudgetWatch;
  readonly #onWaiting: (run: LiveRun) => void;
  readonly #onOpened: (run: LiveRun) => void;

  /**
   * @param onWaiting a run's turn is over and its children, or their results, are not
   * @param onOpened the model of a run has before it what it is gone on with
   */
  constructor(
    parts: Parts,
    settler: Settler,
    budgets: BudgetWatch,
    onWaiting: (run: LiveRun) => void,
    onOpened: (run: LiveRun) => void,
  ) {
    this.#parts = parts;
    this.#settler = settler;
    this.#budgets = budgets;
    this.#onWaiting = onWaiting;
    this.#onOpened = onOpened;
  }

  /** Puts a turn into the lane. */
  enqueue(run: LiveRun, turn: Turn): void {
    run.prompt = turn.prompt;
    if (turn.resume !== "thread_lost") run.turns += 1;
    const queuedAt = performance.now();
    const { lane, groups } = this.#parts;
    this.#budgets.admitted(run);
    const enter = (job: () => Promise<void>): void => void (run.slot = lane.enqueue(placeOf(run), job));
    const carry = (): Promise<void> => this.#carry(run, turn, queuedAt);
    const { batch } = run.facts;
    if (batch === undefined) enter(carry);
    else groups.pass({ id: run.id, ...batch }, enter, carry);
  }

  /** Its turn went well, or what it waited for is over: the rules of turn-end.ts say what becomes of it. */
  async conclude(run: LiveRun): Promise<void> {
    try {
      await this.#goOn(run);
    } catch (error) {
      await this.#settler.settle(run, { status: "error", cause: causeOf(error) });
    }
  }

  async #goOn(run: LiveRun): Promise<void> {
    const next = afterTurn(run, this.#parts);
    switch (next.then) {
      case "turn":
        if (run.state === "waiting") run.state = "queued";
        return this.enqueue(run, next.turn);
      case "wait":
        return this.#wait(run);
      case "settle":
        await this.#settler.settle(run, next.outcome);
    }
  }

  async #carry(run: LiveRun, turn: Turn, queuedAt: number): Promise<void> {
    if (run.outcome.settled !== undefined) return;
    try {
      const refused = turnRefused(this.#parts, run);
      if (refused !== undefined) return void (await this.#settler.settle(run, { status: "error", cause: refused }));
      // A host without a say is not awaited: the lane counts what starting takes of its turn of the loop.
      if (run.startedAt === undefined && this.#parts.host.childStarting !== undefined) {
        await this.#parts.host.childStarting(childContext(run.facts.row));
        // Killed meanwhile.
        if (run.outcome.settled !== undefined) return;
      }
      this.#begin(run, turn);
      const execution = this.#execute(run, withSteering(run, turn), performance.now() - queuedAt);
      const end = await execution.ended;
      run.execution = undefined;
      await this.#turnEnded(run, end);
      // A tool that ignores its abort keeps its thread, so it keeps its slot.
      await execution.released;
    } catch (error) {
      await this.#settler.settle(run, { status: "error", cause: causeOf(error) });
    }
  }

  #begin(run: LiveRun, turn: Turn): void {
    const now = Date.now();
    if (run.state !== "running") this.#parts.registry.setState(run.id, "running", now);
    run.state = "running";
    if (turn.resume === "children_settled" || turn.resume === "thread_lost") {
      this.#publish(run, { type: "resumed", reason: turn.resume });
    }
    if (turn.resume === "next_turn") this.#publish(run, { type: "resumed", reason: "steered" });
    if (run.startedAt !== undefined) return;
    run.startedAt = now;
  }

  /** The run has its thread; how long that took to boot is no time of the run's own. */
  #started(run: LiveRun, threadId: number, queueMs: number): void {
    this.#publish(run, { type: "started", threadId, queueMs: Math.round(queueMs) });
    const { timeoutMs } = run.facts;
    if (timeoutMs === 0 || run.timer !== undefined || run.outcome.settled !== undefined) return;
    run.timer = setTimeout(() => void this.#timeUp(run), timeoutMs);
  }

  #execute(run: LiveRun, turn: Turn, queueMs: number): Execution {
    const { pool, config, hub, logger } = this.#parts;
    const { isolation, row } = run.facts;
    const execution = new Execution({
      pool,
      task: engineTask(this.#parts, run, turn),
      dedicated: isolation === "dedicated" || run.lostBefore,
      grace: config.subagents.grace,
      watched: hub.wantsText(run.id, row.rootSessionKey),
      onStarted: (threadId) => this.#started(run, threadId, queueMs),
      onOpened: () => this.#onOpened(run),
      onEvents: (events) => events.forEach((event) => this.#heard(run, event)),
      onRequest: (request, signal) => answerRequest(this.#parts, run, request, signal),
      onTerminate: (threadId) => this.#spare(run, threadId),
      onLog: (lines) => writeThreadLines(logger, lines, { runId: run.id }),
      onSteered: (count) => void run.steering.splice(0, count),
    });
    run.execution = execution;
    for (const text of run.steering) execution.steer(text);
    return execution;
  }

  async #turnEnded(run: LiveRun, end: ExecutionEnd): Promise<void> {
    if (end.kind === "finished") {
      run.using(end.result.usage);
      this.#budgets.counted(run);
      run.heard(end.result);
      run.answeredBy = end.result.model === undefined ? run.answeredBy : clip(end.result.model, MODEL_CHARS);
    }
    run.endTurn();
    if (run.outcome.settled !== undefined) return;
    if (end.kind === "lost") return this.#threadLost(run, end);
    const { status, cause } = end.result;
    if (status === "ok") {
      this.#onOpened(run);
      return this.conclude(run);
    }
    await this.#failed(run, {
      status: (status === "aborted" && cause !== undefined && ABORTED[cause.code]) || "error",
      cause: cause ?? { code: "engine_failed", message: "The engine ended the run without a reason." },
    });
  }

  async #failed(run: LiveRun, outcome: Outcome): Promise<void> {
    await this.#settler.settle(run, afterFailure(run, outcome));
  }

  #wait(run: LiveRun): void {
    run.state = "waiting";
    this.#parts.registry.setState(run.id, "waiting", Date.now());
    this.#publish(run, { type: "waiting", children: this.#parts.live.childrenOf(run.sessionKey).length });
    this.#onWaiting(run);
  }

  async #threadLost(run: LiveRun, end: Extract<ExecutionEnd, { kind: "lost" }>): Promise<void> {
    if (run.lostBefore || end.cause.code === "worker_start_failed") {
      return this.#failed(run, { status: "error", cause: run.lostBefore ? culprit(end.cause) : end.cause });
    }
    // Ended because of a run beside it: no suspicion falls on this one.
    if (!run.bystander) run.lostBefore = true;
    run.bystander = false;
    this.#parts.logger.warn(
      { runId: run.id },
      `its thread was lost, it goes on from its transcript: ${end.cause.message}`,
    );
    this.enqueue(run, { resume: "thread_lost", ...(run.prompt === undefined ? {} : { prompt: run.prompt }) });
  }

  /** Runs beside one that ignored its abort lose their thread for no fault of theirs. */
  #spare(culprit: LiveRun, threadId: number): void {
    for (const run of this.#parts.live.all()) {
      if (run !== culprit && run.execution?.threadId === threadId) run.bystander = true;
    }
  }

  async #timeUp(run: LiveRun): Promise<void> {
    const seconds = run.facts.timeoutMs / 1000;
    const cause = { code: "run_timeout", message: `The run was stopped after its ${seconds} s were up.` } as const;
    // The abort brings the partial answer home, and settles; a turn that doesn't let go is settled without.
    await run.stop(cause);
    await this.#settler.settle(run, { status: "timeout", cause });
  }

  #heard(run: LiveRun, event: EngineEvent): void {
    let told = event;
    if (event.type === "usage") {
      const model = clip(event.model, MODEL_CHARS);
      run.answeredBy = model;
      run.using(event.usage);
      // An engine knows of its own turn; whoever watches wants the run's.
      told = { ...event, model, usage: run.usage };
    }
    this.#budgets.heard(run, event);
    this.#parts.hub.publish({ ...identity(run), ...told }, run.facts.row.rootSessionKey);
  }

  #publish(run: LiveRun, event: LifecycleEvent): void {
    this.#parts.hub.publish({ ...identity(run), ...event }, run.facts.row.rootSessionKey);
  }
}

/** What it was told while the turn stood in the lane goes with the turn's own prompt; a turn gone on with has none to add to. */
function withSteering(run: LiveRun, turn: Turn): Turn {
  if (turn.prompt === undefined || turn.resume === "thread_lost" || run.steering.length === 0) return turn;
  run.prompt = [turn.prompt, ...run.steering.splice(0)].join("\n\n");
  return { ...turn, prompt: run.prompt };
}

function culprit({ code, message }: Cause): Cause {
  return { code, message: `The run's thread ended twice, the second time with no other run in it. ${message}` };
}

/** A server names its model as it likes, and the name stands in every list of runs. As long as a spawn's may be. */
const MODEL_CHARS = 200;

/** What an aborted turn settles as, by the reason it was given. */
const ABORTED: Partial<Record<Cause["code"], OutcomeStatus>> = {
  run_timeout: "timeout",
  run_interrupted: "interrupted",
  run_killed: "killed",
};
