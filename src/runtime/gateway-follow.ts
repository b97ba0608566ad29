/**
 * Follows each run in the gateway to its end: what its events tell while it works, `agent.wait` for how it ended,
 * `chat.history` for what it said. A connection that breaks is opened again, with a growing delay, for as long as the
 * gateway may still have the run.
 */

import { setTimeout as delay } from "node:timers/promises";
import { causeOf, type Cause } from "../errors.ts";
import type { Outcome } from "../types.ts";
import { messagesOf, sessionOf, stopRun, waitForRun, type RunLook } from "./gateway-calls.ts";
import { endIn, outcomeOf, timedOut } from "./gateway-ending.ts";
import { agentEvent } from "./gateway-frames.ts";
import { LateStops } from "./gateway-late-stop.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";
import { mayYetBegin } from "./gateway-redirected.ts";
import { resultIn } from "./gateway-result.ts";
import { identity, type Settler } from "./settler.ts";

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
    run.waits = run.state === "queued";
    this.#lateStops.insist(run);
    return "waits";
  }

  /** Nothing is asked any more. */
  close(): void {
    this.#closing.abort();
  }

  async #toItsEnd(run: GatewayRun): Promise<void> {
    const { signal } = this.#closing;
    let heardAt = Date.now();
    // After a break the first look is short: the gateway may be another one, that waits for an unknown run in vain.
    let short = run.isAdopted;
    for (let failures = 0; run.outcome.settled === undefined && !signal.aborted;) {
      try {
        const sliceMs = short ? 0 : run.isRedirected ? REDIRECTED_SLICE_MS : SLICE_MS;
        const wait = await waitForRun(this.#parts.link, run.id, sliceMs);
        if (wait.startedAt !== undefined) this.#started(run, wait.startedAt);
        if (wait.over) return await this.#ended(run, wait);
        if ((short || run.isAdopted) && (await this.#endedUnheard(run))) return;
        heardAt = Date.now();
        failures = 0;
        short = false;
      } catch (error) {
        if (signal.aborted) return;
        short = true;
        if (Date.now() - heardAt > GIVE_UP_MS)
          return void (await this.#settler.settle(run, run.ending ?? lostSight(error)));
        const ms = Math.min(BACKOFF_MS * 2 ** failures++, MAX_BACKOFF_MS);
        // Many runs lose one connection at once; they share the next one, whoever comes first.
        await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  async #ended(run: GatewayRun, look: Omit<RunLook, "over">): Promise<void> {
    const fault = await this.#bringHome(run);
    await run.control?.catch(() => undefined);
    await this.#settler.settle(run, run.ending ?? outcomeOf(run, look, fault));
  }

  /**
   * What the gateway may not know by the run's id any more: whether it began while nobody heard it, or ended.
   * @returns whether it is settled by that
   */
  async #endedUnheard(run: GatewayRun): Promise<boolean> {
    const isForgotten = this.#isForgotten(run);
    const session = await sessionOf(this.#parts.link, run.facts.row.requesterSessionKey, run.sessionKey);
    if (isForgotten || run.isAdopted) {
      const end = endIn(session);
      if (end !== undefined && !(await mayYetBegin(this.#parts.link, run))) return (await this.#ended(run, end), true);
    }
    if (isForgotten) {
      await this.#bringHome(run);
      await this.#settler.settle(run, run.ending ?? FORGOTTEN);
    } else if (session?.status === "running" && session.startedAt !== undefined) {
      this.#started(run, Date.now());
    }
    return isForgotten;
  }

  /** What it said and used. @returns why it isn't an answer, or can't be known */
  async #bringHome(run: GatewayRun): Promise<Cause | undefined> {
    for (let failures = 0; ; failures++) {
      try {
        const { text, usage, answeredBy, failure } = resultIn(
          await messagesOf(this.#parts.link, run.sessionKey, MESSAGES),
        );
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
    run.waits = false;
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
   * is known by its age and this machine's clock, the same that the acceptance was read from.
   */
  #isForgotten(run: GatewayRun): boolean {
    const { gatewayStartedAt } = this.#parts.link;
    return gatewayStartedAt !== undefined && gatewayStartedAt > run.acceptedAt;
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

function lostSight(error: unknown): Outcome {
  const why = causeOf(error).message;
  const message = `The gateway couldn't be asked about the run for ${GIVE_UP_MS / 60_000} minutes, so how it ended isn't known: ${why}`;
  return { status: "interrupted", cause: { code: "gateway_lost", message } };
}

const FORGOTTEN: Outcome = {
  status: "interrupted",
  cause: {
    code: "run_interrupted",
    message: "The gateway was restarted while the run was under way; spawn it again if its work is still wanted.",
  },
};
/** A gateway forgets who waits; a broken connection is noticed sooner, by its ticks. */
const SLICE_MS = 30_000;
/** Of a run that the gateway may never have been asked for. */
const REDIRECTED_SLICE_MS = 5_000;
const BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
const GIVE_UP_MS = 5 * 60_000;
const READ_TRIES = 4;
/** More than begin in a gateway in one turn of our loop. */
const EARLY = 1_000;
/** As many as `chat.history` gives. */
const MESSAGES = 1000;
