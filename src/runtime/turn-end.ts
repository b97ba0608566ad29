/**
 * What becomes of a run whose turn went well: another turn, waiting, or its settlement. Asked again when what it waited
 * for is over. A turn that failed settles the run and isn't asked about.
 */

import { NOTHING_TO_TELL } from "../announce/completion-text.ts";
import { NOT_IN_TIME } from "../channel/not-in-time.ts";
import type { Outcome } from "../types.ts";
import type { Turn } from "./engine-task.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";

export type AfterTurn =
  | { then: "turn"; turn: Turn }
  /** For its children, or their results: it holds no slot meanwhile. */
  | { then: "wait" }
  | { then: "settle"; outcome: Outcome };

/** One reason to go on or to end otherwise; undefined: nothing to say. May take from the run what it answers with. */
export type TurnEndRule = (run: LiveRun, parts: Pick<Parts, "live" | "registry" | "config">) => AfterTurn | undefined;

/** The first rule that has something to say decides; with none the run has ended well. */
export function afterTurn(run: LiveRun, parts: Parameters<TurnEndRule>[1]): AfterTurn {
  for (const rule of RULES) {
    const next = rule(run, parts);
    if (next !== undefined) return next;
  }
  return { then: "settle", outcome: { status: "ok" } };
}

/**
 * How a run ends whose turn failed: so, but for the try to have its answer in the form that was asked for. The answer
 * was given before that and stays one, with what is wrong with it; a budget, a limit of time and a kill still say so.
 */
export function afterFailure(run: LiveRun, outcome: Outcome): Outcome {
  const { status, cause } = outcome;
  if (!run.askedAgain || run.schemaError === undefined) return outcome;
  if (status !== "error" || cause?.code === "budget") return outcome;
  run.schemaError = `${run.schemaError} Asking for it once more failed: ${cause?.message}`;
  return { status: "ok" };
}

/** Told something after its model's last look: the answer it gave isn't its last word. */
const steered: TurnEndRule = ({ steering }) =>
  steering.length === 0
    ? undefined
    : { then: "turn", turn: { prompt: steering.splice(0).join("\n\n"), resume: "next_turn" } };

/** A child that has ended and isn't told of yet may still owe its result. */
const moreToCome: TurnEndRule = ({ sessionKey }, { live, registry }) =>
  live.untoldChildrenOf(sessionKey).length > 0 || registry.outbox.pendingFor(sessionKey).length > 0
    ? { then: "wait" }
    : undefined;

/** It waits for what won't come: told so once, and again only when it has started others since. */
const waitsInVain: TurnEndRule = (run, { registry }) => {
  if (!run.yielded) return undefined;
  const children = registry.childrenOf(run.sessionKey).length;
  if (children <= run.inVain) return undefined;
  run.inVain = children;
  return { then: "turn", turn: { prompt: NOTHING_TO_TELL, resume: "children_settled" } };
};

/**
 * Once, and only when nothing else is to come: a word on the way needs no form. What is wrong with it then stays said; so
 * does that a schema takes too long, for which no other answer is the cure.
 */
const misshapen: TurnEndRule = (run) => {
  if (run.facts.outputSchema === undefined || run.schemaError === undefined || run.askedAgain) return undefined;
  if (run.schemaError === NOT_IN_TIME) return undefined;
  run.askedAgain = true;
  return { then: "turn", turn: { prompt: `${ASK_AGAIN}\n${run.schemaError}`, resume: "next_turn" } };
};

const ASK_AGAIN =
  "[Form of the answer]\nYour answer is not in the form that was asked for. Give it again, whole, as one JSON value that fits the schema, and nothing else.";

/** In this order: what ends a run stands before what goes on with it, and what asks for a better answer comes last. */
const RULES: readonly TurnEndRule[] = [steered, moreToCome, waitsInVain, misshapen];
