/** The standalone main agent's session: turns of depth 0 on the same engine as its children's, in a thread of its own. */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { isSilent, SpokenAnswer } from "../announce/spoken-answer.ts";
import type { EngineResult, EngineTask, HostRequest } from "../channel/protocol.ts";
import type { Config } from "../config.ts";
import { InprocessError, type Cause } from "../errors.ts";
import type { EngineEvent, LifecycleEvent, RunEvent } from "../events.ts";
import type { Host, HostTool } from "../host.ts";
import { writeThreadLines, type Logger } from "../log.ts";
import { workerFile } from "../package-root.ts";
import { toolFilter, workerTools } from "../policy/tool-policy.ts";
import { WorkerPool } from "../pool/worker-pool.ts";
import { Execution } from "../runtime/execution.ts";
import type { SubagentRuntime } from "../runtime/runtime.ts";
import { mainSessionKey } from "../sessions/session-key.ts";
import { createSessionTools, MAIN_SESSION_TOOLS } from "../tools/session-tools.ts";
import type { Requester, ResolvedModel, Usage } from "../types.ts";
import { addUsage, noUsage } from "../usage.ts";
import { execEnvironment, threadEnvironment } from "./environment.ts";
import { stateLayout } from "./state-layout.ts";

export type MainSessionOptions = {
  config: Config;
  agentId: string;
  model: ResolvedModel;
  workspaceDir: string;
  stateDir: string;
  resolveModel: Host["resolveModel"];
  logger: Logger;
  publish(event: RunEvent): void;
  wantsText(): boolean;
};

export class MainSession {
  readonly sessionKey: string;
  readonly transcriptPath: string;
  readonly requester: Requester;
  /** Of the turns that are over. */
  usage: Usage = noUsage();
  /** The model that answered last, `provider/id`. */
  answeredBy: string | undefined;
  readonly #options: MainSessionOptions;
  readonly #said = new SpokenAnswer();
  readonly #sessionId = randomUUID();
  readonly #pool: WorkerPool;
  readonly #tools: string[];
  #execution: Execution | undefined;

  constructor(options: MainSessionOptions) {
    this.#options = options;
    const { config, agentId, workspaceDir, stateDir, model, logger } = options;
    const layout = stateLayout(stateDir);
    // Each session has a key of its own, so that what is left for an earlier one never lands in this one.
    this.sessionKey = `${mainSessionKey(agentId)}:${this.#sessionId}`;
    this.transcriptPath = join(layout.transcripts, agentId, `${this.#sessionId}.jsonl`);
    this.#tools = workerTools(config, { agentId, kind: "main" });
    const permitted = toolFilter(config, { agentId, kind: "main" });
    this.requester = {
      sessionKey: this.sessionKey,
      agentId,
      depth: 0,
      workspaceDir,
      tools: [...this.#tools, ...MAIN_SESSION_TOOLS.filter(permitted)],
      model: `${model.provider}/${model.id}`,
      transcriptPath: this.transcriptPath,
    };
    this.#pool = new WorkerPool({
      threads: { ...config.subagents.pool, minThreads: 1, maxThreads: 1 },
      workerFile: workerFile(),
      scratchDir: layout.scratch,
      env: threadEnvironment(process.env, layout.compileCache),
      onError: (error) => logger.error({}, `the main session's thread failed: ${error.message}`),
    });
  }

  /** What its turns so far have come to; empty while it has only said that it has nothing to say. */
  get text(): string {
    return isSilent(this.#said.text) ? "" : this.#said.text;
  }

  /** True while a turn is being executed. */
  get busy(): boolean {
    return this.#execution !== undefined;
  }

  async turn(runtime: SubagentRuntime, prompt: string, resume?: EngineTask["resume"]): Promise<EngineResult> {
    const { config, logger } = this.#options;
    const permitted = toolFilter(config, { agentId: this.requester.agentId, kind: "main" });
    const requester = { ...this.requester, turnId: randomUUID() };
    const tools = createSessionTools(runtime, requester).filter((tool) => permitted(tool.name));
    const execution = new Execution({
      pool: this.#pool,
      task: this.#task(prompt, tools, resume),
      dedicated: false,
      grace: config.subagents.grace,
      watched: this.#options.wantsText(),
      onStarted: (threadId) => this.#publish({ type: "started", threadId, queueMs: 0 }),
      onEvents: (events) => events.forEach((event) => this.#publish(this.#ofSession(event))),
      onRequest: (request, signal) => this.#answer(tools, request, signal),
      onLog: (lines) => writeThreadLines(logger, lines, { runId: "main" }),
      onTerminate: () => undefined,
    });
    this.#execution = execution;
    const end = await execution.ended;
    this.#execution = undefined;
    if (end.kind === "lost") return { status: "error", text: "", cause: end.cause, usage: noUsage() };
    const { result } = end;
    this.usage = addUsage(this.usage, result.usage);
    this.answeredBy = result.model ?? this.answeredBy;
    this.#said.heard(result);
    return result;
  }

  watch(on: boolean): void {
    this.#execution?.watch(on);
  }

  abort(cause: Cause): void {
    this.#execution?.abort(cause);
  }

  async close(): Promise<void> {
    const { abortMs, terminateMs } = this.#options.config.subagents.grace;
    const limit = new Promise((resolve) => setTimeout(resolve, abortMs + terminateMs).unref());
    await Promise.race([this.#execution?.released, limit]);
    await this.#pool.close();
  }

  /** An engine knows of its own turn; whoever watches wants the session's. */
  #ofSession(event: EngineEvent): EngineEvent {
    return event.type === "usage" ? { ...event, usage: addUsage(this.usage, event.usage) } : event;
  }

  #publish(event: EngineEvent | LifecycleEvent): void {
    this.#options.publish({
      runId: "main",
      sessionKey: this.sessionKey,
      requesterSessionKey: this.sessionKey,
      at: Date.now(),
      ...event,
    });
  }

  async #answer(tools: HostTool[], request: HostRequest, signal: AbortSignal): Promise<unknown> {
    switch (request.kind) {
      case "tool": {
        const tool = tools.find((candidate) => candidate.name === request.tool);
        if (tool === undefined) throw new InprocessError("tool_blocked", `This session has no tool ${request.tool}.`);
        // Nothing asks twice for the same call here, and some model servers give every answer's call the same id.
        return tool.execute(randomUUID(), request.args, signal);
      }
      case "verdict":
        return { allow: true };
      case "refresh_model":
        return this.#options.resolveModel(request.model, this.#options.agentId, { refresh: true, signal });
      // A main session is under no budget, and its thread doesn't ask.
      case "model_call":
      case "answering":
      case "tool_call":
        return {};
    }
  }

  #task(prompt: string, tools: HostTool[], resume: EngineTask["resume"]): EngineTask {
    const { config, agentId, model, workspaceDir } = this.#options;
    const { defaults } = config.agents;
    const thinking = config.agents.list[agentId]?.thinking ?? defaults.thinking;
    return {
      runId: "main",
      sessionId: this.#sessionId,
      sessionKey: this.sessionKey,
      agentId,
      // A main session outside a gateway has no other runner.
      engine: config.subagents.engine === "auto" ? "pi" : config.subagents.engine,
      role: { kind: "main", depth: 0, maxDepth: defaults.subagents.maxSpawnDepth },
      model,
      ...(thinking === undefined ? {} : { thinking }),
      workspaceDir,
      transcriptPath: this.transcriptPath,
      prompt,
      ...(resume === undefined ? {} : { resume }),
      tools: this.#tools,
      hostTools: tools.map(({ execute: _onHost, ...spec }) => spec),
      askBeforeToolCall: false,
      modelIdleTimeoutSeconds: defaults.modelIdleTimeoutSeconds,
      execTimeoutSeconds: config.tools.execTimeoutSeconds,
      execEnv: execEnvironment(process.env),
    };
  }
}
