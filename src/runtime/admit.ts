/** From a spawn call to an admitted run: decide, resolve the model, then count and insert without an await in between. */

import type { Config } from "../config.ts";
import { causeOf } from "../errors.ts";
import { budgetUsedUp } from "../policy/budget.ts";
import { refuseParams } from "../policy/spawn-params.ts";
import {
  groupFull,
  isRefusal,
  laneFull,
  planSpawn,
  requesterEnded,
  sessionTaken,
  tooManyChildren,
  type Refusal,
} from "../policy/spawn-policy.ts";
import { swarmOf } from "../policy/swarm.ts";
import type { AdmissionLimits, AdmissionRefusal } from "../registry/admission-checks.ts";
import type { NewRun, RunRow } from "../registry/run-row.ts";
import type { Requester, SpawnParams, SpawnResult } from "../types.ts";
import { placeOf, type LiveRun } from "./live-run.ts";
import { AdmissionBatch } from "./admission-batch.ts";
import { newRun, type NewRunContext } from "./new-run.ts";
import type { Parts } from "./parts.ts";
import { keep, prepare, takeBack, type Prepared, type Undo } from "./preparations.ts";
import { spawnNote } from "./spawn-note.ts";
import { refuseThread, type Threads } from "./threads.ts";

export type AdmitContext = NewRunContext & {
  threads: Threads;
  /** @throws InprocessError `runtime_closed` */
  refuseWhenClosed(): void;
  /** Tells of the run and puts it into the lane. `ahead` jobs must end before it starts. */
  start(run: LiveRun, ahead: number): void;
};

/** Refusals are results; nothing is left behind by one. @throws InprocessError `runtime_closed` */
export type Admit = (
  params: SpawnParams,
  requester: Requester,
  idempotencyKey: string | undefined,
) => Promise<SpawnResult>;

export function createAdmit(context: AdmitContext): Admit {
  const batch: Batch = new AdmissionBatch((entries) => letIn(context, entries));
  return (params, requester, idempotencyKey) => admit(context, batch, params, requester, idempotencyKey);
}

type Batch = AdmissionBatch<Candidate, SpawnResult>;

/** A run that lacks nothing but its place. */
type Candidate = { run: LiveRun; prepared: Prepared; limits: Pick<AdmissionLimits, "group"> };

async function admit(
  context: AdmitContext,
  batch: Batch,
  params: SpawnParams,
  requester: Requester,
  idempotencyKey: string | undefined,
): Promise<SpawnResult> {
  const { parts } = context;
  const { config, host, registry } = parts;
  const invalid = refuseParams(params) ?? refuseThread(params, host);
  if (invalid !== undefined) return refuse(invalid);
  const before =
    idempotencyKey === undefined ? undefined : registry.findByIdempotencyKey(requester.sessionKey, idempotencyKey);
  if (before !== undefined) return answerOf(before);

  const known = registry.byChildSession(requester.sessionKey);
  // What the registry knows of a child of ours counts more than what the caller says of it.
  const depth = Math.max(known?.depth ?? 0, requester.depth ?? 0);
  const plan = planSpawn(config, params, requester, depth);
  if (isRefusal(plan)) return refuse(plan);
  const refusal = host.refuseSpawn?.(requester, plan.agentId);
  if (refusal !== undefined) return refuse({ status: "forbidden", code: "spawn_forbidden", message: refusal });

  const asked = { params, requester: inItsTurn(parts, requester), plan };
  const undo: Undo[] = [];
  try {
    const prepared = await prepare(parts, asked, undo);
    const run = newRun(context, { ...asked, ...prepared, known, idempotencyKey });
    if (params.thread === true) await context.threads.bind(run.facts.row, undo);
    const result = await batch.add({ run, prepared, limits: groupLimits(config, requester) });
    if (result.status === "accepted" && result.runId === run.id) keep(parts, prepared);
    else await takeBack(undo, parts.logger);
    return result;
  } catch (error) {
    await takeBack(undo, parts.logger);
    const { code, message } = causeOf(error);
    if (code === "runtime_closed") throw error;
    return refuse({ status: "error", code, message });
  }
}

/** A child of ours spawns in the turn it is in, with the model that answers it and its own transcript, whatever it says. */
export function inItsTurn({ live }: Pick<Parts, "live">, requester: Requester): Requester {
  const run = live.ofSession(requester.sessionKey);
  if (run === undefined) return requester;
  const { transcriptPath, model: asked } = run.facts.row;
  const model = run.answeredBy ?? asked;
  return { ...requester, turnId: run.turnId, transcriptPath, ...(model === undefined ? {} : { model }) };
}

/** No await in here: between the count and the insert nothing else happens. Nothing starts before all of it stands. */
function letIn(context: AdmitContext, entries: Candidate[]): SpawnResult[] {
  context.refuseWhenClosed();
  const { registry, lane, live } = context.parts;
  const starting: { run: LiveRun; ahead: number }[] = [];
  const outlook = lane.outlook();
  const results = registry.together(() =>
    entries.map(({ run, prepared, limits }) => {
      const place = placeOf(run);
      const ahead = outlook.aheadOf(place);
      const result = insert(context, run, limits, acceptance(run, prepared, ahead));
      if (result.status === "accepted" && result.runId === run.id) {
        outlook.join(place);
        starting.push({ run, ahead });
      }
      return result;
    }),
  );
  for (const { run, ahead } of starting) {
    live.add(run);
    context.start(run, ahead);
  }
  return results;
}

function insert(
  { parts }: AdmitContext,
  run: LiveRun,
  limits: Candidate["limits"],
  accepted: SpawnResult,
): SpawnResult {
  const { config, registry, lane, live } = parts;
  const { row } = run.facts;
  if (!hasRequester(row, live)) return refuse(requesterEnded());
  const { maxQueue } = config.subagents.pool;
  const { free } = lane;
  if (row.idempotencyKey !== undefined) row.answer = JSON.stringify(accepted);
  const admission = registry.admit(row, {
    maxChildren: config.agents.defaults.subagents.maxChildrenPerAgent,
    // As many more as are on their way into a slot.
    maxQueued: maxQueue + free,
    ...limits,
    treeBudget: config.subagents.budget,
  });
  if (admission.ok) return accepted;
  if (admission.reason === "duplicate") return answerOf(registry.run(admission.runId)!);
  return refuse(notLetIn(admission, row, { maxQueue, free }));
}

/** The requester may have been killed while what it asked for was being prepared. */
export function hasRequester({ parentRunId, requesterSessionKey }: NewRun, live: Parts["live"]): boolean {
  if (parentRunId === undefined) return true;
  const requester = live.ofSession(requesterSessionKey);
  return requester !== undefined && requester.outcome.settled === undefined;
}

/** @param free slots of the lane at that moment */
export function notLetIn(
  admission: AdmissionRefusal,
  { groupId }: NewRun,
  { maxQueue, free }: { maxQueue: number; free: number },
): Refusal {
  switch (admission.reason) {
    case "children":
      return tooManyChildren(admission.active, admission.limit);
    case "group":
      return groupFull(groupId!, admission.count, admission.limit, admission.ever);
    case "queue":
      return laneFull(admission.queued - free, maxQueue);
    case "budget":
      return budgetUsedUp(admission.use);
    case "session":
      return sessionTaken(admission.ended);
  }
}

function acceptance(
  { facts: { row, isolation } }: LiveRun,
  { chosen: { model, applied }, attachments, note }: Prepared,
  ahead: number,
): SpawnResult {
  return {
    status: "accepted",
    childSessionKey: row.childSessionKey,
    runId: row.runId,
    mode: row.mode,
    context: row.context,
    ...(row.taskName === undefined ? {} : { taskName: row.taskName }),
    note: spawnNote(row, undefined, note),
    runtime: "inprocess",
    isolation,
    resolvedModel: model.id,
    resolvedProvider: model.provider,
    modelApplied: applied,
    expectsCompletionMessage: row.expectsCompletion,
    ...(attachments === undefined ? {} : { attachments: attachments.receipt }),
    ...(ahead > 0 ? { queuePosition: ahead } : {}),
  };
}

function groupLimits(config: Config, { agentId }: Requester): Candidate["limits"] {
  const { maxChildrenPerGroup: maxUnsettled, maxTotalPerGroup: maxTotal } = swarmOf(config, agentId);
  return { group: { maxUnsettled, maxTotal } };
}

/** An earlier spawn with the same idempotency key was answered this. */
function answerOf(row: RunRow): SpawnResult {
  return JSON.parse(row.answer!) as SpawnResult;
}

function refuse({ status, code, message }: Refusal): SpawnResult {
  return { status, code, error: message };
}
