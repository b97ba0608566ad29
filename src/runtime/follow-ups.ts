/**
 * What is said to a session that stays while it is idle: another run in it, which begins with its transcript. One is
 * begun at a time; what comes while one is being prepared waits and is then told to the run, in the order it came.
 */

import { stat } from "node:fs/promises";
import { causeOf, InprocessError } from "../errors.ts";
import { sessionBudgetUsedUp } from "../policy/budget.ts";
import { chooseIsolation, requesterEnded, type Refusal } from "../policy/spawn-policy.ts";
import type { Controlled, Requester, SteerResult } from "../types.ts";
import { tellAccepted } from "./accepted.ts";
import { hasRequester, inItsTurn, notLetIn, type AdmitContext } from "./admit.ts";
import type { AfterRun } from "./after-run.ts";
import { followUpRun, type FollowUp } from "./kept-sessions.ts";
import { placeOf } from "./live-run.ts";
import { resolveAll } from "./model-choice.ts";
import type { RunCarrier } from "./run-carrier.ts";
import type { Settler } from "./settler.ts";
import { refuse } from "./targets.ts";

export type FollowUpContext = Pick<AdmitContext, "parts" | "runtime" | "sessionTools" | "refuseWhenClosed"> & {
  settler: Settler;
  carrier: RunCarrier;
};

export type Said = {
  before: FollowUp["before"];
  child: Controlled;
  /** As it was given; shown as the run's task. */
  message: string;
  /** What opens the turn. */
  prompt: string;
  requester: Requester;
};

export class FollowUps {
  readonly #context: FollowUpContext;
  /** By session: the one that is being prepared. */
  readonly #beginning = new Map<string, Promise<SteerResult>>();
  /** By session: a turn that has ended and still has the transcript. */
  readonly #lettingGo = new Map<string, Promise<void>>();

  constructor(context: FollowUpContext) {
    this.#context = context;
  }

  /** The one that is being prepared for this session, if any. */
  beginning(sessionKey: string): Promise<SteerResult> | undefined {
    return this.#beginning.get(sessionKey);
  }

  /** Only when none is beginning. What stands against it is a refusal. @throws InprocessError `runtime_closed` */
  begin(said: Said): Promise<SteerResult> {
    const { sessionKey } = said.child;
    const begun = this.#begin(said)
      .catch((error: unknown): SteerResult => {
        const { code, message } = causeOf(error);
        if (code === "runtime_closed") throw error;
        return refuse("error", code, message).refusal;
      })
      .finally(() => this.#beginning.delete(sessionKey));
    this.#beginning.set(sessionKey, begun);
    return begun;
  }

  get afterRun(): AfterRun {
    return {
      settled: ({ sessionKey, execution, facts: { row } }) => {
        if (row.kept === undefined || execution === undefined) return;
        const letGo = execution.released.then(() => {
          if (this.#lettingGo.get(sessionKey) === letGo) this.#lettingGo.delete(sessionKey);
        });
        this.#lettingGo.set(sessionKey, letGo);
      },
    };
  }

  async #begin(said: Said): Promise<SteerResult> {
    const { parts, settler } = this.#context;
    const { before, child } = said;
    const { agentId, kept, transcriptPath } = before;
    const isolation = chooseIsolation(parts.config.subagents.isolation, kept.isolation);
    if (typeof isolation !== "string") return refused(isolation);
    // The run before may have ended and not be written yet.
    await settler.written();
    await requireTranscript(transcriptPath, child);
    const [ref, ...fallbacks] = kept.models;
    const model = await resolveAll(parts.host, agentId, ref, fallbacks);
    await this.#lettingGo.get(child.sessionKey);
    return this.#letIn(said, { model, isolation });
  }

  /** No await in here, as in admit.ts: between the count and the insert nothing else happens. */
  #letIn(
    { before, child, message, prompt, requester }: Said,
    chosen: Pick<FollowUp, "model" | "isolation">,
  ): SteerResult {
    this.#context.refuseWhenClosed();
    const { parts, carrier } = this.#context;
    const { config, registry, lane, live } = parts;
    const run = followUpRun(this.#context, { before, task: message, ...chosen, ...turnOf(parts, requester) });
    const { row } = run.facts;
    if (!hasRequester(row, live)) return refused(requesterEnded());
    const { free } = lane;
    const { maxQueue } = config.subagents.pool;
    const admission = registry.admit(row, {
      maxChildren: config.agents.defaults.subagents.maxChildrenPerAgent,
      maxQueued: maxQueue + free,
      treeBudget: config.subagents.budget,
    });
    if (!admission.ok) {
      // Without a key nothing can be asked for twice.
      if (admission.reason === "duplicate") throw new InprocessError("internal", "A follow-up was taken for another.");
      if (admission.reason === "session" && admission.ended) return ended(child);
      if (admission.reason === "budget") return refused(sessionBudgetUsedUp(admission.use));
      return refused(notLetIn(admission, row, { maxQueue, free }));
    }
    const ahead = lane.outlook().aheadOf(placeOf(run));
    live.add(run);
    tellAccepted(parts, run, ahead);
    carrier.enqueue(run, { prompt, resume: "next_turn" });
    const text = `${child.label} goes on with it in its session as run ${row.runId}.`;
    return { status: "accepted", ...child, runId: row.runId, mode: "restart", text };
  }
}

/** A session without it was never begun, or is lost: a message alone would be a task without its context. */
async function requireTranscript(path: string, { label }: Controlled): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const message = `${label} has no transcript to go on from; start another subagent with sessions_spawn and give it what it needs to know.`;
  throw new InprocessError("transcript_unusable", message);
}

/** Whose run and which turn it is asked for in. */
function turnOf(parts: FollowUpContext["parts"], requester: Requester): Pick<FollowUp, "parentRunId" | "turnId"> {
  const { turnId } = inItsTurn(parts, requester);
  const above = parts.registry.byChildSession(requester.sessionKey);
  return {
    ...(above === undefined ? {} : { parentRunId: above.runId }),
    ...(turnId === undefined ? {} : { turnId }),
  };
}

export function ended(child: Controlled): SteerResult {
  return { status: "done", ...child, text: `${child.label} has ended; nothing was sent to it.` };
}

function refused({ status, code, message }: Refusal): SteerResult {
  return refuse(status, code, message).refusal;
}
