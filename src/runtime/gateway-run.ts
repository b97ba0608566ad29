/** A run that works in a gateway, as this process knows it, and what the files of the gateway runtime share. */

import { performance } from "node:perf_hooks";
import type { RunState, Outcome, Usage } from "../types.ts";
import type { NewRun } from "../registry/run-row.ts";
import { noUsage } from "../usage.ts";
import type { GatewayLink } from "./gateway-link.ts";
import type { Records } from "./parts.ts";
import { RunOutcome } from "./run-outcome.ts";
import type { TrackedRun } from "./tracked-run.ts";

export type GatewayParts = Records<GatewayRun> & {
  link: GatewayLink;
  /** The address without credentials. */
  gateway: string;
  /** Exact values that no error may hold. */
  secrets(): string[];
  /** Each call alone on its connection, and what one call could say said in three: as OpenClaw 2026.4.1 spawns. */
  connectionPerCall: boolean;
};

/** Whether a run of the registry was given to a gateway, by this process or another. */
export function isGatewayRun({ transcriptPath }: Pick<NewRun, "transcriptPath">): boolean {
  return transcriptPath.startsWith(KEPT_THERE);
}

/** The address of the gateway that a run of the registry was given to; undefined for one that works in a thread. */
export function gatewayOf(row: Pick<NewRun, "transcriptPath">): string | undefined {
  return isGatewayRun(row) ? row.transcriptPath.slice(keptBy("").length) : undefined;
}

/** What stands where the path of a transcript would: the gateway keeps it. @param gateway its address without credentials */
export function keptBy(gateway: string): string {
  return `${KEPT_THERE} at ${gateway}`;
}

/**
 * Of a run whose acceptance nobody heard. `askAgain`: the gateway, under the same id, by the process that asked before.
 * `said`: its refusal of that.
 */
export type Doubt = { askAgain?: () => Promise<RunOrigin | { refusal: { message: string } }>; said?: string };

/** How a run came to be known here; what isn't given is as for one that is accepted now. */
export type RunOrigin = { acceptedAt: number; knownAt: number | undefined; isAdopted: boolean; doubt?: Doubt };

/**
 * The name of an intent: the run waits in the gateway's lane, was killed, and is ended as soon as it begins. It outlives
 * the process that was told so.
 */
export function endWish(runId: string): string {
  return `end ${runId}`;
}

/** Its id is the gateway's run id too, and the idempotency key that it was asked for with. */
export class GatewayRun implements TrackedRun {
  readonly facts: { readonly row: NewRun };
  /** Milliseconds; 0 = none. */
  readonly timeoutMs: number;
  /** When the gateway was asked for it, milliseconds since the epoch: one that began later doesn't have it at work. */
  readonly acceptedAt: number;
  /**
   * When this process knew last that the gateway has it, on the scale of `performance.now()`: counts instead of
   * `acceptedAt`, for the clock may be set. Undefined for one that another process asked for, until the gateway is asked.
   */
  knownAt: number | undefined;
  /** Asked for by a process that died, or without an answer: its end may have been told to nobody who still knows. */
  readonly isAdopted: boolean;
  /** Undefined when the gateway is known to have it, or to have had it. */
  doubt: Doubt | undefined;
  /** Since when this process knows of it, on the same scale. */
  readonly followedAt = performance.now();
  readonly outcome = new RunOutcome();
  state: RunState = "queued";
  timer: NodeJS.Timeout | undefined;
  startedAt: number | undefined;
  usage: Usage = noUsage();
  text = "";
  answeredBy: string | undefined;
  /** Ways it is being ended here, oldest first. */
  readonly endings: Outcome[] = [];
  /** It was told to end in vain, for it waited in the gateway's lane: it is ended as soon as it begins. */
  waits = false;
  /** The gateway is being told something that decides how it ends: whoever sees the end waits for that. */
  control: Promise<unknown> | undefined;

  constructor(row: NewRun, timeoutMs: number, from: Partial<RunOrigin> = {}) {
    const { acceptedAt = Date.now(), isAdopted = false } = from;
    this.facts = { row };
    this.timeoutMs = timeoutMs;
    this.acceptedAt = acceptedAt;
    this.isAdopted = isAdopted;
    this.doubt = from.doubt;
    this.knownAt = "knownAt" in from ? from.knownAt : isAdopted ? undefined : performance.now();
  }

  /** It is being ended here, and this is how it settles however the gateway puts it. */
  get ending(): Outcome | undefined {
    return this.endings[0];
  }

  /** Its requester ended it, and only the gateway's lane is still to be awaited. */
  get givenUp(): Outcome | undefined {
    return this.waits && this.ending?.status === "killed" ? BEING_ENDED : undefined;
  }

  get id(): string {
    return this.facts.row.runId;
  }

  get sessionKey(): string {
    return this.facts.row.childSessionKey;
  }
}

const BEING_ENDED: Outcome = {
  status: "killed",
  cause: {
    code: "run_killed",
    message:
      "The run was ended by its requester while it waited in the gateway's queue, and is ended there on beginning.",
  },
};
const KEPT_THERE = "kept by the gateway";
