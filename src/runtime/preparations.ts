/**
 * What must stand before a run can be let in, and may take a while: its model, its folder, what it begins with. The
 * steps come one after the other; whatever one of them leaves on the disk it can take back, because the run may be
 * refused after all.
 */

import type { SpawnPlan } from "../policy/spawn-policy.ts";
import type { Logger } from "../log.ts";
import { messageOf } from "../errors.ts";
import type { Requester, SpawnParams } from "../types.ts";
import { putAttachments, type PutAttachments } from "./attachments.ts";
import { chooseWorkspace, wholeWorkspace } from "./child-workspace.ts";
import { chooseBeginning, type Beginning } from "./fork.ts";
import { chooseModel, type ChosenModel } from "./model-choice.ts";
import type { Parts } from "./parts.ts";
import { requirePrices } from "./prices.ts";

export type Asked = { params: SpawnParams; requester: Requester; plan: SpawnPlan };

export type Prepared = Beginning & {
  chosen: ChosenModel;
  workspaceDir: string;
  /** Absent: the same. */
  bootstrapDir?: string;
  attachments?: PutAttachments;
};

/** Takes back what one step left behind. */
export type Undo = () => Promise<unknown>;

/**
 * @param undo each step that leaves something adds how to take it back, before it leaves it
 * @throws what a step throws; the caller then takes back what the steps before it left
 */
export async function prepare(
  parts: Pick<Parts, "config" | "host" | "undecided" | "live" | "registry">,
  { params, requester, plan }: Asked,
  undo: Undo[],
): Promise<Prepared> {
  const { config, host, undecided, live } = parts;
  const chosen = await chooseModel(config, host, plan.agentId, params, requester);
  requirePrices(parts, { params, requester }, chosen.model);
  const workspaceDir = await chooseWorkspace(host, params, requester, plan.agentId);
  // A requester that works in a part of the workspace itself was told what stands at its top.
  const top = live.ofSession(requester.sessionKey)?.facts.bootstrapDir ?? requester.workspaceDir;
  const bootstrapDir = wholeWorkspace(host, { ...requester, ...(top && { workspaceDir: top }) }, plan.agentId);
  const beginning = await chooseBeginning(params, requester, chosen.model);
  // Last, for it is the one that leaves something.
  const limits = config.tools.sessions_spawn.attachments;
  const attachments = await putAttachments(params, { limits, workspaceDir, undecided }, undo);
  return {
    chosen,
    workspaceDir,
    ...(bootstrapDir === workspaceDir ? {} : { bootstrapDir }),
    ...beginning,
    ...(attachments === undefined ? {} : { attachments }),
  };
}

/** The run is let in: what was prepared is the run's from now on. */
export function keep({ undecided, logger }: Pick<Parts, "undecided" | "logger">, { attachments }: Prepared): void {
  if (attachments === undefined) return;
  undecided.forget(attachments.dir).catch((error: unknown) => {
    logger.warn({}, `a note of attachments could not be removed: ${messageOf(error)}`);
  });
}

/** The last step first. One that can't be taken back is logged, and the others are. */
export async function takeBack(undo: readonly Undo[], logger: Logger): Promise<void> {
  for (const step of undo.toReversed()) {
    await step().catch((error: unknown) =>
      logger.warn({}, `what a refused spawn left behind could not be removed: ${messageOf(error)}`),
    );
  }
}
