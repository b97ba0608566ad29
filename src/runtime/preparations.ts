/**
 * What must stand before a run can be let in, and may take a while: its model, its folder. The steps come one after the
 * other; whatever one of them leaves on the disk it can take back, because the run may be refused after all.
 */

import type { SpawnPlan } from "../policy/spawn-policy.ts";
import type { Logger } from "../log.ts";
import { messageOf } from "../errors.ts";
import type { Requester, SpawnParams } from "../types.ts";
import { chooseWorkspace } from "./child-workspace.ts";
import { chooseModel, type ChosenModel } from "./model-choice.ts";
import type { Parts } from "./parts.ts";

export type Asked = { params: SpawnParams; requester: Requester; plan: SpawnPlan };

export type Prepared = { chosen: ChosenModel; workspaceDir: string };

/** Takes back what one step left behind. */
export type Undo = () => Promise<unknown>;

/**
 * @param undo each step that leaves something adds how to take it back, before it leaves it
 * @throws what a step throws; the caller then takes back what the steps before it left
 */
export async function prepare(
  { config, host }: Pick<Parts, "config" | "host">,
  { params, requester, plan }: Asked,
  _undo: Undo[],
): Promise<Prepared> {
  const chosen = await chooseModel(config, host, plan.agentId, params, requester);
  const workspaceDir = await chooseWorkspace(host, params, requester, plan.agentId);
  return { chosen, workspaceDir };
}

/** The last step first. One that can't be taken back is logged, and the others are. */
export async function takeBack(undo: readonly Undo[], logger: Logger): Promise<void> {
  for (const step of undo.toReversed()) {
    await step().catch((error: unknown) =>
      logger.warn({}, `what a refused spawn left behind could not be removed: ${messageOf(error)}`),
    );
  }
}
