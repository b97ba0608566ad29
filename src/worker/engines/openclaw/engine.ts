/**
 * The engine `openclaw`: the gateway's own agent runner, in this thread. Its tools, skills, credentials, plugins,
 * compaction and transcript are the gateway's; the session tools of a child come over the channel, through the bridge.
 */

import type { EngineResult, EngineTask } from "../../../channel/protocol.ts";
import type { OpenClawContext } from "../../../sessions/openclaw-context.ts";
import { addUsage } from "../../../usage.ts";
import type { Engine, EngineLink } from "../../engine.ts";
import { openBridge } from "./bridge.ts";
import { childConfig } from "./child-config.ts";
import { failedBefore } from "./failures.ts";
import { breakOwnLock } from "./transcript-lock.ts";
import { afterFailure, turnPrompt, unheard } from "./turn-prompt.ts";
import { watchProcesses } from "./processes.ts";
import { runAttempt, type Attempt, type AttemptEnd } from "./run-attempt.ts";
import { sharedConfig } from "./shared-config.ts";
import { openRunner } from "./runner.ts";

export const openclawEngine: Engine = {
  ownsTranscript: true,
  async run(task, link, signal) {
    const context = task.engineContext as OpenClawContext | undefined;
    if (context?.packageRoot === undefined) return failedBefore(NO_CONTEXT);
    const closeBridge = openBridge(task.sessionKey, link, signal);
    try {
      return await watchProcesses(link, () => runTurn(task, context, link, signal));
    } catch (error) {
      return failedBefore(error, signal);
    } finally {
      closeBridge();
    }
  },
};

async function runTurn(
  task: EngineTask,
  context: OpenClawContext,
  link: EngineLink,
  signal: AbortSignal,
): Promise<EngineResult> {
  const runner = await openRunner(context.packageRoot);
  const base = await sharedConfig(context.config, runner);
  if (task.resume === "thread_lost") breakOwnLock(task.transcriptPath);
  const attempt: Omit<Attempt, "prompt" | "model"> = {
    task,
    context,
    config: childConfig(base, task),
    runner,
    link,
    signal,
  };
  let { result, steered } = await throughModels(attempt, turnPrompt(task));
  // Said after the model's last look at its messages: nothing of it may be lost.
  for (let late = unheard(task, steered); result.status === "ok" && late !== undefined; late = unheard(task, steered)) {
    const next = await throughModels(attempt, late);
    steered = next.steered;
    result = {
      ...next.result,
      text: next.result.text || result.text,
      usage: addUsage(result.usage, next.result.usage),
    };
  }
  return result;
}

/** The model, then its fallbacks in their order, as long as the runner says that another may do better. */
async function throughModels(
  attempt: Omit<Attempt, "prompt" | "model">,
  prompt: string,
): Promise<Pick<AttemptEnd, "result" | "steered">> {
  const { task, link, signal } = attempt;
  const [first, ...others] = [task.model, ...(task.model.fallbacks ?? [])];
  let ended = await runAttempt({ ...attempt, prompt, model: first });
  let { usage } = ended.result;
  const steered = [...ended.steered];
  for (const model of others) {
    if (!ended.mayRetry || signal.aborted) break;
    link.emit({ type: "retry", model: `${model.provider}/${model.id}`, reason: ended.result.cause?.message ?? "" });
    ended = await runAttempt({ ...attempt, prompt: afterFailure(task, prompt), model });
    usage = addUsage(usage, ended.result.usage);
    steered.push(...ended.steered);
  }
  return { result: { ...ended.result, usage }, steered };
}

const NO_CONTEXT = new Error("it was given no OpenClaw to run in (EngineTask.engineContext)");
