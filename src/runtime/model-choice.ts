/**
 * Which model a child gets: explicit, then its agent's for subagents, then everyone's for subagents, then the one active
 * in its requester's turn; a child of another agent has that agent's own instead.
 */

import type { Config, ModelChoice } from "../config.ts";
import type { Host } from "../host.ts";
import type { ResolvedModel, Requester, SpawnParams, ThinkingLevel } from "../types.ts";

export type ChosenModel = { model: ResolvedModel; /** The explicit one was taken. */ applied: boolean };

/** @throws what `host.resolveModel` throws for the primary; a fallback that can't be resolved is left out */
export async function chooseModel(
  config: Config,
  host: Pick<Host, "resolveModel">,
  agentId: string,
  params: Pick<SpawnParams, "model">,
  requester: Partial<Pick<Requester, "agentId" | "model">>,
): Promise<ChosenModel> {
  const choice: ModelChoice | undefined =
    params.model !== undefined
      ? { primary: params.model, fallbacks: [] }
      : (config.agents.list[agentId]?.subagents.model ?? config.agents.defaults.subagents.model);
  const active = agentId === requester.agentId ? requester.model : undefined;
  const model = await resolveAll(host, agentId, choice?.primary ?? active, choice?.fallbacks ?? []);
  return { model, applied: params.model !== undefined };
}

/** @throws what `host.resolveModel` throws for the first; another that can't be resolved is left out */
export async function resolveAll(
  host: Pick<Host, "resolveModel">,
  agentId: string,
  ref: string | undefined,
  refs: readonly string[],
): Promise<ResolvedModel> {
  const primary = await host.resolveModel(ref, agentId);
  const fallbacks = await Promise.allSettled(refs.map((fallback) => host.resolveModel(fallback, agentId)));
  const found = fallbacks.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  return found.length === 0 ? primary : { ...primary, fallbacks: found };
}

/**
 * Explicit, then as for subagents (the agent's, then everyone's), then as its requester's, which is known of a child of
 * ours, then as for the agent, then as for everyone.
 */
export function chooseThinking(
  config: Config,
  agentId: string,
  params: Pick<SpawnParams, "thinking">,
  ofRequester?: ThinkingLevel,
): ThinkingLevel | undefined {
  return (
    params.thinking ??
    config.agents.list[agentId]?.subagents.thinking ??
    config.agents.defaults.subagents.thinking ??
    ofRequester ??
    config.agents.list[agentId]?.thinking ??
    config.agents.defaults.thinking
  );
}
