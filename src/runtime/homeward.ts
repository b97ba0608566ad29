/** From a settlement to its requester: who gets the completion, when, and what becomes of a requester that is a run itself. */

import { Announcer, type Delivery } from "../announce/announcer.ts";
import { announcement } from "../announce/completion-text.ts";
import type { LifecycleEvent } from "../events.ts";
import type { Completion } from "../types.ts";
import type { AfterRun } from "./after-run.ts";
import { turnRefused } from "./budget.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import type { RunCarrier } from "./run-carrier.ts";
import type { Settler } from "./settler.ts";

export class Homeward {
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #carrier: RunCarrier;
  readonly #announcer: Announcer;
  readonly #afterRun: Pick<Required<AfterRun>, "delivered">;

  constructor(parts: Parts, settler: Settler, carrier: RunCarrier, afterRun: Pick<Required<AfterRun>, "delivered">) {
    this.#parts = parts;
    this.#afterRun = afterRun;
    this.#settler = settler;
    this.#carrier = carrier;
    const { registry, host, config, logger } = parts;
    this.#announcer = new Announcer({
      outbox: registry.outbox,
      logger,
      timeoutMs: config.agents.defaults.subagents.announceTimeoutMs,
      deliver: (requester, completions) => this.#deliver(requester, completions),
      alreadyDelivered: async (requester, keys) => (await host.alreadyDelivered?.(requester, keys)) ?? [],
      holdBack: (requester) => this.#holdBack(requester),
      requesterOf: (sessionKey) => registry.byChildSession(sessionKey)?.requesterSessionKey,
      onDelivered: (completion, attempts) => this.#delivered(completion, attempts),
      onUndelivered: (completion, reason) => this.#publish(completion, { type: "undelivered", reason }),
    });
  }

  settled(run: LiveRun): void {
    const { requesterSessionKey } = run.facts.row;
    // Also when this run owes nothing: what was held back while it was being written can go now.
    this.#announcer.nudge(requesterSessionKey);
    // What its children still owed it goes on to its own requester.
    this.#announcer.nudge(run.sessionKey);
    const parent = this.#parts.live.ofSession(requesterSessionKey);
    if (parent !== undefined) this.turnEnded(parent);
  }

  /** A waiting run: woken when its children are done, concluded when they left nothing to say. */
  turnEnded(run: LiveRun): void {
    if (run.state !== "waiting" || run.outcome.settled !== undefined) return;
    if (this.#parts.live.childrenOf(run.sessionKey).length > 0) return;
    if (this.#parts.registry.outbox.pendingFor(run.sessionKey).length > 0) this.#announcer.nudge(run.sessionKey);
    else void this.#carrier.conclude(run);
  }

  /** A requester became idle: what waits for it is tried now. */
  nudge(requesterSessionKey: string): void {
    this.#announcer.nudge(requesterSessionKey);
  }

  /** Waits for deliveries under way. */
  close(): Promise<void> {
    return this.#announcer.close();
  }

  async #deliver(requesterSessionKey: string, completions: Completion[]): Promise<Delivery> {
    const { live, registry, host } = this.#parts;
    const run = live.ofSession(requesterSessionKey);
    if (run !== undefined && run.outcome.settled === undefined) {
      if (run.state !== "waiting") return "busy";
      const refused = turnRefused(this.#parts, run);
      if (refused !== undefined) {
        // It can make nothing of them any more: once it has settled they go on to its own requester.
        void this.#settler.settle(run, { status: "error", cause: refused });
        return "busy";
      }
      run.state = "queued";
      this.#carrier.enqueue(run, { prompt: announcement(completions, 0), resume: "children_settled" });
      return "delivered";
    }
    if (registry.byChildSession(requesterSessionKey) !== undefined) return "gone";
    return host.deliver(completions);
  }

  /** An orchestrator is woken once, with everything; so is any requester under `announce.mode: "together"`. */
  #holdBack(requesterSessionKey: string): boolean {
    if (this.#settler.holdsFor(requesterSessionKey)) return true;
    const { live, config } = this.#parts;
    const isRun = live.ofSession(requesterSessionKey) !== undefined;
    if (!isRun && config.subagents.announce.mode === "each") return false;
    return live.childrenOf(requesterSessionKey).length > 0;
  }

  #delivered(completion: Completion, attempts: number): void {
    this.#publish(completion, { type: "delivered", attempts });
    const row = this.#parts.registry.run(completion.runId);
    if (row !== undefined) this.#afterRun.delivered(row);
  }

  #publish(completion: Completion, event: Extract<LifecycleEvent, { type: "delivered" | "undelivered" }>): void {
    const { runId, childSessionKey: sessionKey, requesterSessionKey } = completion;
    const root = this.#parts.registry.run(runId)?.rootSessionKey ?? requesterSessionKey;
    this.#parts.hub.publish({ runId, sessionKey, requesterSessionKey, at: Date.now(), ...event }, root);
  }
}
