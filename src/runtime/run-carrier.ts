/**
 * Carries a run from the lane through its turns to its settlement. A run has one turn when it spawns nothing; an
 * orchestrator has another each time its children are done. A turn whose thread was lost is gone on with from its
 * transcript, alone in a dedicated thread; the second loss is the run's own fault.
 */

import type { EngineTask, HostRequest } from "../channel/protocol.ts";
import { causeOf, InprocessError, type Cause } from "../errors.ts";
import type { EngineEvent, LifecycleEvent } from "../events.ts";
import type { ToolOutput, ToolVerdict } from "../host.ts";
import { writeThreadLines } from "../log.ts";
import { childContext } from "./child-tools.ts";
import { Execution, type ExecutionEnd } from "./execution.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import { identity, type Settler } from "./settler.ts";
import type { OutcomeStatus } from "../types.ts";

export class RunCarrier {
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #onWaiting: (run: LiveRun) => void;

  /** @param onWaiting a run's turn is over and its children, or their results, are not */
  constructor(parts: Parts, settler: Settler, onWaiting: (run: LiveRun) => void) {
    this.#parts = parts;
    this.#settler = settler;
    this.#onWaiting = onWaiting;
  }

  /** Puts a turn into the lane. */
  enqueue(run: LiveRun, turn: Pick<EngineTask, "prompt" | "resume">): void {
    run.prompt = turn.prompt;
    const queuedAt = performance.now();
    this.#parts.lane.enqueue(run.id, () => this.#carry(run, turn, queuedAt));
  }

  async #carry(run: LiveRun, turn: Pick<EngineTask, "prompt" | "resume">, queuedAt: number): Promise<void> {
    if (run.outcome.settled !== undefined) return;
    try {
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

  #begin(run: LiveRun, turn: Pick<EngineTask, "resume">): void {
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

  #execute(run: LiveRun, turn: Pick<EngineTask, "prompt" | "resume">, queueMs: number): Execution {
    const { pool, config, hub, logger } = this.#parts;
    const { isolation, row } = run.facts;
    const execution = new Execution({
      pool,
      task: this.#engineTask(run, turn),
      dedicated: isolation === "dedicated" || run.lostBefore,
      grace: config.subagents.grace,
      watched: hub.wantsText(run.id, row.rootSessionKey),
      onStarted: (threadId) => this.#started(run, threadId, queueMs),
      onEvents: (events) => events.forEach((event) => this.#heard(run, event)),
      onRequest: (request, signal) => this.#answer(run, request, signal),
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
      run.text = end.result.text || run.text;
      run.answeredBy = end.result.model ?? run.answeredBy;
    }
    run.endTurn();
    if (run.outcome.settled !== undefined) return;
    if (end.kind === "lost") return this.#threadLost(run, end);
    const { status, cause } = end.result;
    if (status === "ok") {
      // Told after its last look: the answer it gave isn't its last word.
      if (run.steering.length > 0) {
        return this.enqueue(run, { prompt: run.steering.splice(0).join("\n\n"), resume: "next_turn" });
      }
      if (this.#hasMoreToCome(run)) return this.#wait(run);
      await this.#settler.settle(run, { status: "ok" });
      return;
    }
    await this.#settler.settle(run, {
      status: (status === "aborted" && cause !== undefined && ABORTED[cause.code]) || "error",
      cause: cause ?? { code: "engine_failed", message: "The engine ended the run without a reason." },
    });
  }

  #hasMoreToCome(run: LiveRun): boolean {
    const { live, registry } = this.#parts;
    return live.childrenOf(run.sessionKey).length > 0 || registry.outbox.pendingFor(run.sessionKey).length > 0;
  }

  #wait(run: LiveRun): void {
    run.state = "waiting";
    this.#parts.registry.setState(run.id, "waiting", Date.now());
    this.#publish(run, { type: "waiting", children: this.#parts.live.childrenOf(run.sessionKey).length });
    this.#onWaiting(run);
  }

  async #threadLost(run: LiveRun, end: Extract<ExecutionEnd, { kind: "lost" }>): Promise<void> {
    if (run.lostBefore || end.cause.code === "worker_start_failed") {
      await this.#settler.settle(run, { status: "error", cause: run.lostBefore ? culprit(end.cause) : end.cause });
      return;
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
      run.answeredBy = event.model;
      run.using(event.usage);
      // An engine knows of its own turn; whoever watches wants the run's.
      told = { ...event, usage: run.usage };
    }
    this.#parts.hub.publish({ ...identity(run), ...told }, run.facts.row.rootSessionKey);
  }

  #publish(run: LiveRun, event: LifecycleEvent): void {
    this.#parts.hub.publish({ ...identity(run), ...event }, run.facts.row.rootSessionKey);
  }

  async #answer(run: LiveRun, request: HostRequest, signal: AbortSignal): Promise<unknown> {
    const { host } = this.#parts;
    const child = childContext(run.facts.row);
    switch (request.kind) {
      case "tool": {
        const tool = run.facts.hostTools.find((candidate) => candidate.name === request.tool);
        if (tool === undefined) throw new InprocessError("tool_blocked", `This session has no tool ${request.tool}.`);
        return bounded(await tool.execute(request.toolCallId, request.args, signal), request.tool);
      }
      case "verdict": {
        const { toolCallId, tool, args } = request;
        if (host.beforeToolCall === undefined) return { allow: true };
        // An answer that is none lets nothing through.
        return (await host.beforeToolCall({ child, toolCallId, tool, args })) ?? NO_VERDICT;
      }
      case "refresh_model": {
        const model = await host.resolveModel(request.model, child.agentId, { refresh: true, signal });
        this.#parts.secrets.add(model, child.agentId);
        return model;
      }
    }
  }

  #engineTask(run: LiveRun, turn: Pick<EngineTask, "prompt" | "resume">): EngineTask {
    const { config, host, execEnv } = this.#parts;
    const { row, model, thinking, tools, hostTools, toolsAllow, toolsDeny } = run.facts;
    return {
      runId: row.runId,
      sessionId: row.sessionId,
      sessionKey: row.childSessionKey,
      agentId: row.agentId,
      engine: config.subagents.engine,
      ...(host.engineContext === undefined ? {} : { engineContext: host.engineContext(childContext(row)) }),
      role: {
        kind: row.role,
        depth: row.depth,
        maxDepth: config.agents.defaults.subagents.maxSpawnDepth,
        requesterSessionKey: row.requesterSessionKey,
        ...(row.label === undefined ? {} : { label: row.label }),
      },
      model,
      ...(thinking === undefined ? {} : { thinking }),
      workspaceDir: row.workspaceDir,
      transcriptPath: row.transcriptPath,
      ...turn,
      tools,
      ...(toolsAllow === undefined ? {} : { toolsAllow }),
      ...(toolsDeny === undefined ? {} : { toolsDeny }),
      hostTools: hostTools.map(({ execute: _onHost, ...spec }) => spec),
      askBeforeToolCall: host.beforeToolCall !== undefined,
      modelIdleTimeoutSeconds: config.agents.defaults.modelIdleTimeoutSeconds,
      execTimeoutSeconds: config.tools.execTimeoutSeconds,
      execEnv,
    };
  }
}

/** What it was told while the turn stood in the lane goes with the turn's own prompt; a turn gone on with has none to add to. */
function withSteering(run: LiveRun, turn: Pick<EngineTask, "prompt" | "resume">): typeof turn {
  if (turn.prompt === undefined || turn.resume === "thread_lost" || run.steering.length === 0) return turn;
  run.prompt = [turn.prompt, ...run.steering.splice(0)].join("\n\n");
  return { ...turn, prompt: run.prompt };
}

/** What a host tool returns enters a thread, where no heap limit contains it (design §6). */
function bounded(output: ToolOutput, tool: string): ToolOutput {
  const texts = output.content.reduce((sum, block) => sum + Buffer.byteLength(block.text), 0);
  const details = output.details === undefined ? 0 : Buffer.byteLength(JSON.stringify(output.details) ?? "");
  const bytes = texts + details;
  if (bytes <= TOOL_OUTPUT_BYTES) return output;
  throw new InprocessError(
    "payload_too_large",
    `The tool ${tool} returned ${bytes} bytes; at most ${TOOL_OUTPUT_BYTES} may enter a thread. Ask it for less.`,
  );
}

function culprit({ code, message }: Cause): Cause {
  return { code, message: `The run's thread ended twice, the second time with no other run in it. ${message}` };
}

/** What an aborted turn settles as, by the reason it was given. */
const ABORTED: Partial<Record<Cause["code"], OutcomeStatus>> = {
  run_timeout: "timeout",
  run_interrupted: "interrupted",
  run_killed: "killed",
};
const NO_VERDICT: ToolVerdict = { allow: false, reason: "The gateway's tool policy gave no answer." };
const TOOL_OUTPUT_BYTES = 1_048_576;
