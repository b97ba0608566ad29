/** One call of the runner with one model: its parameters, what it tells meanwhile, how it ended. */

import type { EngineResult, EngineTask } from "../../../channel/protocol.ts";
import type { OpenClawContext } from "../../../sessions/openclaw-context.ts";
import type { ResolvedModel } from "../../../types.ts";
import type { EngineLink } from "../../engine.ts";
import { attemptResult, tellUsage, thrownResult } from "./attempt-result.ts";
import { isFailover } from "./failures.ts";
import { RunnerEvents } from "./runner-events.ts";
import type { Runner } from "./runner.ts";
import { passOnSteering } from "./steering.ts";
import { listenToCalls } from "./tool-arguments.ts";

export type Attempt = {
  task: EngineTask;
  context: OpenClawContext;
  config: Record<string, unknown>;
  runner: Runner;
  link: EngineLink;
  signal: AbortSignal;
  model: ResolvedModel;
  prompt: string;
};

export type AttemptEnd = {
  result: EngineResult;
  /** Another model may do better. */
  mayRetry: boolean;
  /** Messages that were passed on to the run while it lasted. */
  steered: string[];
};

/** Never rejects. */
export async function runAttempt(attempt: Attempt): Promise<AttemptEnd> {
  const { task, runner, link, signal, model } = attempt;
  // The runner doesn't tell what its calls used before it is done, but its transcript does: a run under a budget isn't
  // left to overdraw it for the rest of its turn.
  const events: RunnerEvents = new RunnerEvents(link, `${model.provider}/${model.id}`, () => {
    if (task.counted === true) tellUsage(attempt, events);
  });
  listenToCalls();
  const stopPassing = passOnSteering(task.sessionId, link);
  try {
    const ended = await runner.runEmbeddedPiAgent({ ...parameters(attempt), onAgentEvent: events.heard });
    const result = attemptResult(ended, attempt, events);
    // Where the config knows of no fallbacks, the runner returns such a failure instead of throwing it.
    return { result, mayRetry: result.status === "error" && ended.meta.error === undefined, steered: stopPassing() };
  } catch (error) {
    return {
      result: thrownResult(error, attempt, events),
      mayRetry: isFailover(error) && !signal.aborted,
      steered: stopPassing(),
    };
  } finally {
    stopPassing();
    events.close();
  }
}

function parameters({ task, context, config, link, signal, model, prompt }: Attempt): Record<string, unknown> {
  return {
    sessionId: task.sessionId,
    sessionKey: task.sessionKey,
    agentId: task.agentId,
    sessionFile: task.transcriptPath,
    workspaceDir: task.workspaceDir,
    ...(context.agentDir === undefined ? {} : { agentDir: context.agentDir }),
    config,
    prompt,
    provider: model.provider,
    model: model.id,
    ...(task.thinking === undefined ? {} : { thinkLevel: task.thinking }),
    ...(task.lightContext === undefined ? {} : { bootstrapContextMode: "lightweight" }),
    runId: task.runId,
    trigger: "user",
    spawnedBy: task.role.requesterSessionKey ?? null,
    senderIsOwner: false,
    // Its answer is handed over by us; what it may send by itself is a matter of the tool policy.
    disableMessageTool: true,
    extraSystemPrompt: link.systemPrompt,
    // The host enforces the run's own limit.
    timeoutMs: NO_LIMIT_MS,
    abortSignal: signal,
    // When a run starts is our own lane's matter; the runner's would make runs wait for one another.
    enqueue: (work: () => Promise<unknown>) => work(),
    cleanupBundleMcpOnRunEnd: true,
    suppressToolErrorWarnings: true,
  };
}

/** The longest a timer can be set to. */
const NO_LIMIT_MS = 2 ** 31 - 1;
