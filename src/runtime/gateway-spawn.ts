/**
 * From a spawn call to a run that the gateway has accepted: decided here, asked for there, and written here only then.
 * What certainly fails before the gateway's yes leaves nothing in the registry, so that another runtime may take the
 * spawn; what may have been accepted is followed as a run until the gateway is known not to have it.
 */

import { causeOf, InprocessError } from "../errors.ts";
import { refuseParams } from "../policy/spawn-params.ts";
import { isRefusal, planSpawn, tooManyChildren, type Refusal, type SpawnPlan } from "../policy/spawn-policy.ts";
import { spawnTerms } from "../policy/spawn-terms.ts";
import type { Admission } from "../registry/admission.ts";
import type { NewRun } from "../registry/run-row.ts";
import type { Requester, SpawnParams, SpawnResult } from "../types.ts";
import { isConnectFailure } from "./gateway-causes.ts";
import { childAddress, type ChildAddress } from "./gateway-child-address.ts";
import { missingCapability } from "./gateway-lacks.ts";
import { leaveNothing, openChild, takeBack } from "./gateway-open-child.ts";
import { GatewayRun, keptBy, type GatewayParts, type RunOrigin } from "./gateway-run.ts";
import { inDoubt, startChild } from "./gateway-start-child.ts";
import { spawnNote } from "./spawn-note.ts";

export class GatewaySpawns {
  readonly #parts: GatewayParts;
  readonly #start: (run: GatewayRun) => void;
  /** Children on their way to the gateway, by requester: they count as active. */
  readonly #onTheirWay = new Map<string, number>();
  /** Spawns with an idempotency key that aren't answered yet. */
  readonly #asked = new Map<string, Promise<SpawnResult>>();
  /** Calls that aren't answered yet. */
  readonly #underWay = new Set<Promise<SpawnResult>>();
  #closing = false;
  #toldOfTools = false;

  /** @param start tells of an accepted run and follows it */
  constructor(parts: GatewayParts, start: (run: GatewayRun) => void) {
    this.#parts = parts;
    this.#start = start;
  }

  /** Refusals are results. @throws InprocessError `runtime_closed` */
  async spawn(params: SpawnParams, requester: Requester, idempotencyKey?: string): Promise<SpawnResult> {
    if (idempotencyKey === undefined) return this.#decide(params, requester, undefined);
    const key = `${requester.sessionKey}\n${idempotencyKey}`;
    const before = this.#asked.get(key);
    if (before !== undefined) return before;
    const asked = this.#decide(params, requester, idempotencyKey).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }

  /** Asks for no run any more. Resolves when every spawn is answered: what was accepted is at work by then. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.allSettled(this.#underWay);
  }

  async #decide(params: SpawnParams, requester: Requester, idempotencyKey?: string): Promise<SpawnResult> {
    const { config, host, registry } = this.#parts;
    const invalid = refuseParams(params);
    if (invalid !== undefined) return refuse(invalid);
    const before =
      idempotencyKey === undefined ? undefined : registry.findByIdempotencyKey(requester.sessionKey, idempotencyKey);
    if (before?.answer !== undefined) return JSON.parse(before.answer) as SpawnResult;
    const missing = missingCapability(params, registry.byChildSession(requester.sessionKey) !== undefined);
    if (missing !== undefined) return refuse(missing);
    const plan = planSpawn(config, params, requester, requester.depth ?? 0);
    if (isRefusal(plan)) return refuse(plan);
    const lacking = missingCapability({ isolation: plan.isolation }, false);
    if (lacking !== undefined) return refuse(lacking);
    const refusal = host.refuseSpawn?.(requester, plan.agentId);
    if (refusal !== undefined) return refuse({ status: "forbidden", code: "spawn_forbidden", message: refusal });

    const { sessionKey } = requester;
    const active = this.#active(sessionKey);
    const { maxChildrenPerAgent } = config.agents.defaults.subagents;
    if (active >= maxChildrenPerAgent) return refuse(tooManyChildren(active, maxChildrenPerAgent));
    this.#onTheirWay.set(sessionKey, (this.#onTheirWay.get(sessionKey) ?? 0) + 1);
    const asked = this.#ask(params, requester, plan, idempotencyKey);
    this.#underWay.add(asked);
    try {
      return await asked;
    } finally {
      this.#underWay.delete(asked);
      const others = this.#onTheirWay.get(sessionKey)! - 1;
      if (others > 0) this.#onTheirWay.set(sessionKey, others);
      else this.#onTheirWay.delete(sessionKey);
    }
  }

  async #ask(
    params: SpawnParams,
    requester: Requester,
    plan: SpawnPlan,
    idempotencyKey: string | undefined,
  ): Promise<SpawnResult> {
    const { registry, gateway } = this.#parts;
    const { sessionKey: requesterSessionKey } = requester;
    const { scope } = registry.intents;
    const name = idempotencyKey === undefined ? undefined : { scope, requesterSessionKey, idempotencyKey };
    const child = childAddress(plan.agentId, name);
    const row = this.#newRow(params, requester, plan, child, idempotencyKey);
    const { maxSpawnDepth } = this.#parts.config.agents.defaults.subagents;
    const asked = { params, plan, row, maxSpawnDepth };
    const before = name === undefined ? undefined : registry.intents.find(child.runId);
    if (before?.gateway !== undefined && before.gateway !== gateway) {
      return { status: "error", code: "gateway_lost", error: askedElsewhere(before.gateway, gateway), ...child };
    }
    let mayBeTaken = before !== undefined;
    try {
      const opened = await openChild(this.#parts, asked, !mayBeTaken);
      if ("refusal" in opened) return refuse(opened.refusal);
      const other = mayBeTaken ? undefined : this.#takenMeanwhile(row);
      if (other !== undefined) return other;
      if (this.#closing) {
        if (!mayBeTaken) leaveNothing(this.#parts, child);
        throw new InprocessError("runtime_closed", "The runtime was closed before the gateway was asked for the run.");
      }
      mayBeTaken = true;
      row.model = `${opened.provider}/${opened.model}`;
      const accepted = (begun: string): SpawnResult => ({
        status: "accepted",
        ...child,
        mode: row.mode,
        context: row.context,
        ...(row.taskName === undefined ? {} : { taskName: row.taskName }),
        note: spawnNote(row, begun),
        runtime: "gateway",
        isolation: "thread",
        resolvedModel: opened.model,
        resolvedProvider: opened.provider,
        modelApplied: params.model !== undefined,
        expectsCompletionMessage: row.expectsCompletion,
      });
      // For whoever finds the run without having heard the gateway's answer.
      if (idempotencyKey !== undefined) row.answer = JSON.stringify(accepted(UNCONFIRMED));
      const from = await startChild(this.#parts, asked, before);
      if ("refusal" in from) return refuse(from.refusal);
      row.createdAt = from.acceptedAt;
      const answer = accepted(from.doubt === undefined ? "Started in the gateway" : UNCONFIRMED);
      if (idempotencyKey !== undefined) row.answer = JSON.stringify(answer);
      this.#tellOfTools(requester);
      return this.#accept(row, plan, from, answer);
    } catch (error) {
      const isCertain = !mayBeTaken || (before === undefined && isConnectFailure(error));
      const { code, message } = causeOf(isCertain ? error : inDoubt(error));
      if (code === "runtime_closed") {
        if (mayBeTaken) this.#parts.logger.warn(child, "a run may be at work in the gateway: closed before its answer");
        throw error;
      }
      // Which run it may have become can be looked up in the gateway.
      return { status: "error", code, error: message, ...(isCertain ? {} : child) };
    }
  }

  /** The same spawn, asked for meanwhile by another runtime on this registry: then the gateway isn't asked for a run. */
  #takenMeanwhile(row: NewRun): SpawnResult | undefined {
    const { requesterSessionKey, idempotencyKey, childSessionKey } = row;
    if (idempotencyKey === undefined) return undefined;
    const other = this.#parts.registry.findByIdempotencyKey(requesterSessionKey, idempotencyKey);
    if (other?.answer === undefined) return undefined;
    if (other.childSessionKey !== childSessionKey) leaveNothing(this.#parts, row);
    return JSON.parse(other.answer) as SpawnResult;
  }

  #accept(row: NewRun, plan: SpawnPlan, from: RunOrigin, accepted: SpawnResult): SpawnResult {
    // The gateway has it, or may have, and counts it; this writes it down.
    const admission = this.#admit(row, from);
    if (!admission.ok) {
      if (admission.reason !== "duplicate") throw new InprocessError("internal", "An accepted run wasn't written.");
      // Another runtime's, which was quicker: the one in the gateway is one too many.
      if (admission.runId !== row.runId) takeBack(this.#parts, row);
      return JSON.parse(this.#parts.registry.run(admission.runId)!.answer!) as SpawnResult;
    }
    const run = new GatewayRun(row, plan.timeoutMs, from);
    this.#parts.live.add(run);
    this.#start(run);
    return accepted;
  }

  /** A disk may be full by now. The intent stands, so that the spawn can be asked again with its key. */
  #admit(row: NewRun, { doubt }: RunOrigin): Admission {
    const { registry, logger } = this.#parts;
    try {
      return registry.together(() => {
        const admission = registry.admit(row, { maxChildren: NO_LIMIT, maxQueued: NO_LIMIT });
        if (doubt === undefined) registry.intents.drop(row.runId);
        return admission;
      });
    } catch (error) {
      const { runId, childSessionKey: sessionKey } = row;
      const { code, message: why } = causeOf(error);
      const has = doubt === undefined ? "has" : "may have";
      const message = `The gateway ${has} accepted run ${runId} in ${sessionKey}, but it can't be written down here, so its result won't come; spawn it again with the same idempotency key once this is mended: ${why}`;
      logger.error({ runId, sessionKey }, message);
      throw new InprocessError(code, message, { cause: error });
    }
  }

  /** Whoever embeds this may count on a child having no more tools than its requester. */
  #tellOfTools({ tools }: Requester): void {
    if (tools === undefined || this.#toldOfTools) return;
    this.#toldOfTools = true;
    this.#parts.logger.warn(
      {},
      "a gateway decides alone which tools a subagent has: its requester's list isn't kept to",
    );
  }

  #active(sessionKey: string): number {
    const { registry, live } = this.#parts;
    const rows = registry.childrenOf(sessionKey, { since: Number.MAX_SAFE_INTEGER });
    const active = rows.filter(({ runId }) => live.get(runId)?.givenUp === undefined);
    return new Set(active.map((row) => row.childSessionKey)).size + (this.#onTheirWay.get(sessionKey) ?? 0);
  }

  #newRow(
    params: SpawnParams,
    requester: Requester,
    plan: SpawnPlan,
    { childSessionKey, runId }: ChildAddress,
    idempotencyKey: string | undefined,
  ): NewRun {
    return {
      runId,
      sessionId: runId,
      childSessionKey,
      requesterSessionKey: requester.sessionKey,
      rootSessionKey: requester.sessionKey,
      agentId: plan.agentId,
      depth: plan.depth,
      // It has nothing of ours to spawn with.
      role: "leaf",
      ...spawnTerms(params),
      task: params.task,
      workspaceDir: this.#parts.host.workspaceDir(plan.agentId),
      transcriptPath: keptBy(this.#parts.gateway),
      createdAt: Date.now(),
      ...(params.label === undefined ? {} : { label: params.label }),
      ...(params.taskName === undefined ? {} : { taskName: params.taskName }),
      ...(requester.turnId === undefined ? {} : { turnId: requester.turnId }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    };
  }
}

function askedElsewhere(before: string, now: string): string {
  return `The gateway at ${before} was asked for this spawn before and may have taken it, so the one at ${now} isn't asked; spawn it through ${before} again, or with another idempotency key.`;
}

function refuse({ status, code, message }: Refusal): SpawnResult {
  return { status, code, error: message };
}

const UNCONFIRMED =
  "Asked of the gateway, whose answer hasn't come: it is asked after, so don't start it again; when the gateway has nothing of it, its result says so";
/** As large as SQLite takes, with one more. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER - 1;
