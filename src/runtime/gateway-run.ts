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
  /** Each call alone on its connection, and what one call could say said in three: as OpenClaw 2026.4.1 spawns. */
  connectionPerCall: boolean;
  /** Milliseconds a gateway may take for what comes before a run: one that hangs costs the spawn that finds it so. */
  openingMs: number;
};

/** Whether a run of the registry was given to a gateway, by this process or another. */
export function isGatewayRun({ transcriptPath }: Pick<NewRun, "transcriptPath">): boolean {
  return transcriptPath.startsWith(KEPT_THERE);
}

/** What stands where the path of a transcript would: the gateway keeps it. @param gateway its address without credentials */
export function keptBy(gateway: string): string {
  return `${KEPT_THERE} at ${gateway}`;
}

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
  /** When the gateway was asked for it: one that began later doesn't have it at work. */
  readonly acceptedAt: number;
  /** Taken over from a process that died: its end may have been told to nobody who still knows. */
  readonly isAdopted: boolean;
  /** Taken over from a process that died while it redirected the child: the gateway may be about to begin with it. */
  readonly isRedirected: boolean;
  /** Since when this process knows of it: milliseconds on a clock that never goes back. */
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
  /** It was told to end in vain: it waits in the gateway's lane, and is ended as soon as it begins. */
  waits = false;
  /** The gateway is being told something that decides how it ends: whoever sees the end waits for that. */
  control: Promise<unknown> | undefined;

  constructor(
    row: NewRun,
    timeoutMs: number,
    { acceptedAt = Date.now(), isAdopted = false, isRedirected = false } = {},
  ) {
    this.facts = { row };
    this.timeoutMs = timeoutMs;
    this.acceptedAt = acceptedAt;
    this.isAdopted = isAdopted;
    this.isRedirected = isRedirected;
  }

  /** It is being ended here, and this is how it settles however the gateway puts it. */
  get ending(): Outcome | undefined {
    return this.endings[0];
  }

  get id(): string {
    return this.facts.row.runId;
  }

  get sessionKey(): string {
    return this.facts.row.childSessionKey;
  }
}

const KEPT_THERE = "kept by the gateway";
