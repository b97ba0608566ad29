/**
 * Follows each run in the gateway to its end: what its events tell while it works, `agent.wait` for how it ended,
 * `chat.history` for what it said. A connection that breaks is opened again, with a growing delay, for as long as the
 * gateway may still have the run.
 */

import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { causeOf, type Cause } from "../errors.ts";
import type { Outcome } from "../types.ts";
import { stopRun, waitForRun, type RunEnd } from "./gateway-calls.ts";
import { lookInDoubt } from "./gateway-doubt.ts";
import { DELETED, FORGOTTEN, lostSight, outcomeOf, timedOut } from "./gateway-ending.ts";
import { agentEvent } from "./gateway-frames.ts";
import { LateStops } from "./gateway-late-stop.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";
import { resultOf } from "./gateway-result.ts";
import { endOfSession, mayBeRedirected, sessionFor } from "./gateway-session-end.ts";
import type { Settler } from "./settler.ts";
import { identity } from "./tracked-run.ts";

/** `waits`: it isn't over, and is ended as soon as it begins · `late`: it ended otherwise before. */
export type Ended = "first" | "late" | "waits";

export class Following {
  readonly #parts: GatewayParts;
  readonly #settler: Settler<GatewayRun>;
  readonly #closing = new AbortController();
  readonly #lateStops: LateStops;
  /** When runs began that aren't known here: of other clients, or of ours whose acceptance came in the same packet. */
  readonly #early = new Map<string, number>();

  constructor(parts: GatewayParts, settler: Settler<GatewayRun>) {
    this.#parts = parts;
    this.#settler = settler;
    this.#lateStops = new LateStops(parts.link, this.#closing.signal);
  }

  /** From its acceptance on. Its time is counted from when it starts: it may have to wait for others. */
  follow(run: GatewayRun): void {
    const early = this.#early.get(run.id);
    if (early !== undefined) this.#started(run, early);
    void this.#toItsEnd(run).catch((error: unknown) =>
      this.#settler.settle(run, { status: "error", cause: causeOf(error) }),
    );
  }

  /** From now on its time is counted. */
  limit(run: GatewayRun): void {
    if (run.timeoutMs === 0 || run.timer !== undefined) return;
    run.timer = setTimeout(() => void this.#timeUp(run), run.timeoutMs).unref();
  }

  /** An event of the gateway's; what isn't of a run here is passed over. */
  heard(event: string, payload: unknown): void {
    if (event !== "agent") return;
    const { data: said } = agentEvent.safeParse(payload);
    if (said === undefined) return;
    const { runId, stream, data } = said;
    const run = this.#parts.live.get(runId);
    const begins = stream === "lifecycle" && data.phase === "start";
    if (run === undefined && begins) return this.#keepEarly(runId);
    if (run === undefined || run.outcome.settled !== undefined) return;
    if (begins) return this.#started(run, Date.now());
    const { hub } = this.#parts;
    const { rootSessionKey } = run.facts.row;
    if (stream !== "assistant" || data.delta === undefined || !hub.wantsText(run.id, rootSessionKey)) return;
    hub.publish({ ...identity(run), type: "text", text: data.delta }, rootSessionKey);
  }

  /**
   * Ends a run: the gateway is told, and it settles like this whatever the gateway makes of it. One that the gateway
   * can't end yet goes on being followed, and is ended as soon as it begins.
   * @throws InprocessError when the gateway can't be told; the run goes on
   */
  async end(run: GatewayRun, outcome: Outcome): Promise<Ended> {
    const { endings } = run;
    endings.push(outcome);
    let isOver: boolean;
    try {
      const stopped = stopRun(this.#parts.link, run.sessionKey, run.id);
      run.control = stopped;
      isOver = await stopped;
    } catch (error) {
      // Another that ends it meanwhile goes on with that.
      endings.splice(endings.indexOf(outcome), 1);
      throw error;
    }
    if (!isOver) return this.endOnceBegun(run, outcome);
    await this.#bringHome(run);
    await this.#settler.settle(run, run.ending ?? outcome);
    return run.outcome.settled === outcome ? "first" : "late";
  }

  /** For a run that is followed: it is ended as soon as it begins. */
  endOnceBegun(run: GatewayRun, outcome: Outcome): "waits" {
    if (!run.endings.includes(outcome)) run.endings.push(outcome);
    run.waits ||= run.state === "queued";
    this.#lateStops.insist(run);
    return "waits";
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#closing.abort();
  }

  async #toItsEnd(run: GatewayRun): Promise<void> {
    const { signal } = this.#closing;
    // Milliseconds without an answer, and until when they are counted.
    let vainMs = 0;
    let failedAt = 0;
    // After a break the first look is short: the gateway may be another one, that waits for an unknown run in vain.
    let short = run.isAdopted;
    for (let failures = 0; run.outcome.settled === undefined && !signal.aborted;) {
      const [wall, steady] = [Date.now(), performance.now()];
      try {
        const sliceMs = short ? 0 : mayBeRedirected(run) ? REDIRECTED_SLICE_MS : SLICE_MS;
        const wait = await waitForRun(this.#parts.link, run.id, sliceMs);
        if (wait.startedAt !== undefined) this.#started(run, wait.startedAt);
        if (wait.over && !run.isAdopted) return await this.#ended(run, wait);
        if ((short || run.isAdopted) && (await this.#endedUnheard(run, wait.over ? wait : undefined))) return;
        // Another goes on in its session.
        if (wait.over) await delay(LOOK_AGAIN_MS, undefined, { signal, ref: false });
        failures = 0;
        // So is the next when this process stood still: a gateway forgets after some minutes how a run ended.
        short = Math.max(Date.now() - wall, performance.now() - steady) > 2 * SLICE_MS;
      } catch (error) {
        if (signal.aborted) return;
        short = true;
        // A try takes no longer than that: more is time in which this process stood still and asked nobody.
        vainMs = failures === 0 ? 0 : vainMs + Math.min(performance.now() - failedAt, TRY_MS);
        failedAt = performance.now();
        if (vainMs > GIVE_UP_MS)
          return void (await this.#settler.settle(run, run.ending ?? lostSight(error, GIVE_UP_MS)));
        const ms = Math.min(BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS);
        // Many runs lose one connection at once; they share the next one, whoever comes first.
        await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #ended(run: GatewayRun, look: RunEnd): Promise<void> {
    const fault = await this.#bringHome(run);
    await run.control?.catch(() => undefined);
    await this.#settler.settle(run, run.ending ?? outcomeOf(run, look, this.#parts.secrets(), fault));
  }

  /**
   * What the gateway may not know by the run's id any more: whether it began while nobody heard it, or ended.
   * @param own how it ended by its id @returns whether it is settled by that
   */
  async #endedUnheard(run: GatewayRun, own: RunEnd | undefined): Promise<boolean> {
    const session = await sessionFor(this.#parts.link, run, this.#closing.signal);
    const isForgotten = own === undefined && this.#isForgotten(run);
    if (!isForgotten) {
      run.knownAt ??= performance.now();
      const vain = await lookInDoubt(this.#parts, run, session, own);
      if (vain !== undefined) return (await this.#settler.settle(run, run.ending ?? vain), true);
    }
    const end = await endOfSession(this.#parts, run, session, own);
    // The end of an earlier run of the session isn't this one's.
    const isIts = run.isAdopted || run.startedAt !== undefined || (end?.endedAt ?? 0) > run.acceptedAt;
    if (end !== undefined && (isForgotten || isIts)) return (await this.#ended(run, end), true);
    const isGone = isForgotten || session === undefined;
    if (isGone) {
      await this.#bringHome(run);
      await this.#settler.settle(run, run.ending ?? (isForgotten ? FORGOTTEN : DELETED));
    } else if (session.status === "running" && session.startedAt !== undefined) {
      this.#started(run, Date.now());
    }
    return isGone;
  }

  /** What it said and used. @returns why it isn't an answer, or can't be known */
  async #bringHome(run: GatewayRun): Promise<Cause | undefined> {
    for (let failures = 0; ; failures++) {
      try {
        const { text, usage, answeredBy, failure } = await resultOf(this.#parts, run.sessionKey);
        Object.assign(run, { text, usage, answeredBy });
        return failure;
      } catch (error) {
        const { code, message } = causeOf(error);
        if (failures === READ_TRIES || this.#closing.signal.aborted) {
          return { code, message: `The run is over, but its answer in ${run.sessionKey} can't be read: ${message}` };
        }
        await delay(BACKOFF_MS * 2 ** failures, undefined, { ref: false });
      }
    }
  }

  #keepEarly(runId: string): void {
    this.#early.set(runId, Date.now());
    const [oldest] = this.#early.keys();
    if (this.#early.size > EARLY && oldest !== undefined) this.#early.delete(oldest);
  }

  #started(run: GatewayRun, at: number): void {
    if (run.outcome.settled !== undefined) return;
    this.limit(run);
    if (run.startedAt !== undefined) return;
    run.startedAt = at;
    run.state = "running";
    if (run.ending !== undefined) this.#lateStops.insist(run);
    const { registry, hub, logger } = this.#parts;
    try {
      registry.setState(run.id, "running", at);
    } catch (error) {
      logger.error({ runId: run.id }, `the registry can't be written: ${causeOf(error).message}`);
    }
    const queueMs = Math.max(0, at - run.acceptedAt);
    // Thread 0: none of this process's.
    hub.publish({ ...identity(run), type: "started", threadId: 0, queueMs }, run.facts.row.rootSessionKey);
  }

  /**
   * A gateway that began after the run was accepted has never heard of it, and would be waited for in vain. When it began
   * is known by its age; of a run that another process asked for only by the clock on the wall.
   */
  #isForgotten({ knownAt, acceptedAt }: GatewayRun): boolean {
    const { link } = this.#parts;
    if (knownAt !== undefined) return link.beganAfter(knownAt);
    return link.gatewayStartedAt !== undefined && link.gatewayStartedAt > acceptedAt;
  }

  async #timeUp(run: GatewayRun): Promise<void> {
    const outcome = timedOut(run);
    try {
      await this.end(run, outcome);
    } catch (error) {
      this.#parts.logger.warn(
        { runId: run.id },
        `the gateway couldn't be told to end a run: ${causeOf(error).message}`,
      );
      await this.#settler.settle(run, outcome);
    }
  }
}

/** A gateway forgets who waits; a broken connection is noticed sooner, by its ticks. */
const SLICE_MS = 30_000;
/** Of a run that the gateway may never have been asked for: another of its session is at work instead. */
const REDIRECTED_SLICE_MS = 5_000;
const BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
const GIVE_UP_MS = 5 * 60_000;
/** To connect, to be let in, to be answered, and the longest delay before it. */
const TRY_MS = 120_000;
const LOOK_AGAIN_MS = 1_000;
const READ_TRIES = 4;
/** More than begin in a gateway in one turn of our loop. */
const EARLY = 1_000;
