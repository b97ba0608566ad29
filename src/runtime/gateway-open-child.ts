/** A child's session in the gateway, and its first run: what `sessions.patch` and `agent` are told. */

import { setTimeout as delay } from "node:timers/promises";
import { causeOf, type ErrorCode } from "../errors.ts";
import type { Refusal, SpawnPlan } from "../policy/spawn-policy.ts";
import type { NewRun } from "../registry/run-row.ts";
import { clip } from "../sessions/clip.ts";
import { oneLine } from "../sessions/shown-label.ts";
import type { SpawnParams } from "../types.ts";
import { ask, deleteSession, stopRun } from "./gateway-calls.ts";
import { isConnectFailure, unaccepted } from "./gateway-causes.ts";
import type { ChildAddress } from "./gateway-child-address.ts";
import { patched, type GatewayError } from "./gateway-frames.ts";
import type { GatewayParts } from "./gateway-run.ts";
import { chooseThinking } from "./model-choice.ts";

export type Child = { params: SpawnParams; plan: SpawnPlan; row: NewRun; maxSpawnDepth: number };

/**
 * Writes the session's lineage and model. Nothing runs yet.
 * @param isFirst the run wasn't asked for before: then what is made here may be taken back
 * @throws InprocessError of the connection, which says that no run was accepted
 */
export async function openChild(
  parts: GatewayParts,
  child: Child,
  isFirst: boolean,
): Promise<{ provider: string; model: string } | { refusal: Refusal }> {
  const key = child.row.childSessionKey;
  const found = { provider: "gateway", model: "default" };
  for (const [index, patch] of patchesFor(parts, child).entries()) {
    // The gateway may have opened a session when it is lost, but no run.
    const asked = await ask(parts.link, "sessions.patch", patched, { key, ...patch }).catch((error: unknown) => {
      if (isFirst && !isConnectFailure(error)) leaveNothing(parts, child.row);
      return unaccepted(error);
    });
    if (!asked.ok) {
      const isModel = "model" in patch && /model/i.test(asked.error.message);
      const refusal = refusalOf(asked.error, isModel ? "model_unusable" : undefined);
      // The first patch makes the session, or, refused, nothing.
      if (isFirst && index > 0) leaveNothing(parts, child.row);
      return { refusal };
    }
    const { modelProvider, model } = asked.value.resolved ?? {};
    if (modelProvider !== undefined) found.provider = modelProvider;
    if (model !== undefined) found.model = model;
  }
  return found;
}

/** What `agent` is told. */
export function firstTurn({ params, plan, row, maxSpawnDepth }: Child): object {
  return {
    sessionKey: row.childSessionKey,
    agentId: plan.agentId,
    message: openingMessage(plan.depth, maxSpawnDepth, params.task),
    extraSystemPrompt: childPrompt(row),
    idempotencyKey: row.runId,
    lane: "subagent",
    deliver: false,
    timeout: plan.timeoutMs / 1000,
    ...(params.label === undefined ? {} : { label: params.label }),
  };
}

/** One patch; or one a subject, as OpenClaw 2026.4.1 sends them. */
function patchesFor({ config, connectionPerCall }: GatewayParts, { params, plan, row }: Child): object[] {
  const { subagents } = config.agents.defaults;
  const model = params.model ?? (config.agents.list[plan.agentId]?.subagents.model ?? subagents.model)?.primary;
  const thinkingLevel = chooseThinking(config, plan.agentId, params);
  const depth = { spawnDepth: plan.depth, subagentRole: "leaf", subagentControlScope: "none" };
  const choice = {
    ...(model === undefined ? {} : { model }),
    ...(thinkingLevel === undefined ? {} : { thinkingLevel }),
  };
  const lineage = { spawnedBy: row.requesterSessionKey };
  return connectionPerCall ? [depth, choice, lineage] : [{ ...depth, ...choice, ...lineage }];
}

/** Never a code that says the gateway couldn't be asked: it answered. But one that is about to end takes nothing any more. */
export function refusalOf({ code, message }: GatewayError, known?: ErrorCode): Refusal {
  const why = `The gateway refuses the subagent: ${clip(message, 500)}.`;
  if (known !== undefined) return { status: "error", code: known, message: why };
  if (code === "UNAVAILABLE" && /draining for restart/i.test(message)) {
    return { status: "error", code: "gateway_refused", message: why };
  }
  if (/missing scope|not authorized|unknown agent/i.test(message)) {
    return { status: "forbidden", code: "spawn_forbidden", message: why };
  }
  return { status: "error", code: code === "INVALID_REQUEST" ? "params_invalid" : "internal", message: why };
}

/**
 * A session without a run, or one that may come about yet; the answer to the spawn doesn't wait for it to be gone. A
 * gateway that doesn't answer is asked again for some minutes, unless the same spawn is asked for meanwhile.
 */
export function leaveNothing({ link, logger, registry }: GatewayParts, { childSessionKey, runId }: ChildAddress): void {
  const isWanted = (): boolean => registry.intents.find(runId) !== undefined || registry.run(runId) !== undefined;
  const tryFor = async (delays: readonly number[]): Promise<void> => {
    try {
      await deleteSession(link, childSessionKey);
    } catch (error) {
      const [ms, ...later] = delays;
      if (ms === undefined || causeOf(error).code === "runtime_closed") throw error;
      await delay(ms, undefined, { ref: false });
      if (!isWanted()) await tryFor(later);
    }
  };
  tryFor(AGAIN_MS).catch(() =>
    logger.debug({ sessionKey: childSessionKey }, "a session may have been left in the gateway"),
  );
}

/** A run that another one stands for. One that waits in the gateway's lane is out of reach there. */
export function takeBack({ link, logger }: GatewayParts, { runId, childSessionKey: sessionKey }: NewRun): void {
  const warn = (why: string): void =>
    logger.warn({ runId, sessionKey }, `a run that another one stands for may go on in the gateway: ${why}`);
  stopRun(link, sessionKey, runId)
    .then((isOver) => (isOver ? deleteSession(link, sessionKey) : warn("it waits in its queue")))
    .catch((error: unknown) => warn(causeOf(error).message));
}

function openingMessage(depth: number, maxDepth: number, task: string): string {
  return [
    `You are a subagent (depth ${depth} of at most ${Math.max(depth, maxDepth)}).`,
    "Your last message is taken to the session that asked for it: send it nowhere yourself, and wait for no reply.",
    "",
    "[Subagent Task]",
    task,
  ].join("\n");
}

function childPrompt({ label, childSessionKey, requesterSessionKey }: NewRun): string {
  return [
    "# Subagent",
    "You do one task for another session and answer it. Do just the task; check what you say against what your tools return.",
    "Make your last message whole: what you found or did, with paths and figures; what you could not do, and why.",
    "Don't talk to the user, don't start other work, don't start subagents.",
    `Your session: ${childSessionKey}. It was asked for by ${requesterSessionKey}.`,
    ...(label === undefined ? [] : [`Label: ${oneLine(label)}`]),
  ].join("\n");
}

/** Before each further try. */
const AGAIN_MS = [1_000, 10_000, 30_000, 60_000, 120_000] as const;
