/** From a settlement to its requester: who gets the completion, when, and what becomes of a requester that is a run itself. */

import { Announcer, type Delivery } from "../announce/announcer.ts";
import { announcement } from "../announce/completion-text.ts";
import { completeTurns } from "../announce/one-turn.ts";
import type { LifecycleEvent } from "../events.ts";
import type { Completion } from "../types.ts";
import type { PendingRow } from "../registry/outbox.ts";
import type { RunRow } from "../registry/run-row.ts";
import type { AfterRun } from "./after-run.ts";
import type { Beside } from "./beside.ts";
import { turnRefused } from "./budget.ts";
import { isGatewayRun } from "./gateway-run.ts";
import { keysIn } from "./keys-in.ts";
import type { LiveRun } from "./live-run.ts";
import type { Parts } from "./parts.ts";
import { isThreadRun } from "./recover.ts";
import type { RunCarrier } from "./run-carrier.ts";
import type { Settler } from "./settler.ts";

export class Homeward {
  readonly #parts: Parts;
  readonly #settler: Settler;
  readonly #carrier: RunCarrier;
  readonly #announcer: Announcer;
  readonly #afterRun: Pick<Required<AfterRun>, "delivered">;
  readonly #beside: Beside | undefined;

  /** @param beside a gateway's runs, told of by this one too */
  constructor(
    parts: Parts,
    settler: Settler,
    carrier: RunCarrier,
    afterRun: Pick<Required<AfterRun>, "delivered">,
    beside?: Beside,
  ) {
    this.#parts = parts;
    this.#afterRun = afterRun;
    this.#beside = beside;
    this.#settler = settler;
    this.#carrier = carrier;
    const { registry, config, logger } = parts;
    // Before the announcer is made: it looks at what is there.
    if (beside !== undefined) registry.outbox.takeAlong(beside.ownerId);
    this.#announcer = new Announcer({
      outbox: registry.outbox,
      logger,
      timeoutMs: config.agents.defaults.subagents.announceTimeoutMs,
      deliver: (requester, completions) => this.#deliver(requester, completions),
      alreadyDelivered: (requester, keys) => this.#alreadyDelivered(requester, keys),
      holdBack: (requester) => this.#holdBack(requester),
      ready: (requester, rows) => this.#ready(requester, rows),
      requesterOf: (sessionKey) => registry.byChildSession(sessionKey)?.requesterSessionKey,
      onDelivered: (completion, attempts) => this.#delivered(completion, attempts),
      onUndelivered: (completion, reason) => this.#undelivered(completion, reason),
    });
  }

  settled(run: LiveRun): void {
    const { requesterSessionKey } = run.facts.row;
    // What its children still owed it goes on to its own requester; first, so that it goes along with this run's result.
    this.#announcer.nudge(run.sessionKey);
    // Also when this run owes nothing: what was held back while it was being written can go now.
    this.#announcer.nudge(requesterSessionKey);
    const parent = this.#parts.live.ofSession(requesterSessionKey);
    if (parent !== undefined) this.turnEnded(parent);
  }

  /** A waiting run: woken when its children are done; when they left nothing to say, turn-end.ts knows what becomes of it. */
  turnEnded(run: LiveRun): void {
    if (run.state !== "waiting" || run.outcome.settled !== undefined) return;
    if (this.#parts.live.untoldChildrenOf(run.sessionKey).length > 0) return;
    if (this.#parts.registry.outbox.pendingFor(run.sessionKey).length > 0) this.#announcer.nudge(run.sessionKey);
    else void this.#carrier.conclude(run);
  }

  /** What its turn brings has arrived: until then its settlement would have sent it on to its own requester. */
  turnOpened(run: LiveRun): void {
    this.#announcer.arrived(run.sessionKey, run.telling.splice(0));
  }

  /** A requester became idle: what waits for it is tried now. */
  nudge(requesterSessionKey: string): void {
    this.#announcer.nudge(requesterSessionKey);
  }

  /** Waits for deliveries under way, and for what the gateway's runs have still to tell. */
  async close(): Promise<void> {
    await this.#beside?.quiet();
    await this.#announcer.close();
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
      run.telling = completions.map(({ key }) => key);
      this.#carrier.enqueue(run, { prompt: announcement(completions, 0), resume: "children_settled" });
      // Much may end it before that turn opens (`turnOpened`).
      return "busy";
    }
    if (registry.byChildSession(requesterSessionKey) !== undefined) return "gone";
    return host.deliver(completions);
  }

  /** An orchestrator is woken once, with everything: also with what has ended and isn't written yet. */
  #holdBack(requesterSessionKey: string): boolean {
    if (this.#settler.holdsFor(requesterSessionKey)) return true;
    if (this.#beside?.holdsFor(requesterSessionKey) === true) return true;
    const { live } = this.#parts;
    const run = live.ofSession(requesterSessionKey);
    if (run === undefined) return false;
    return run.telling.length > 0 || live.untoldChildrenOf(requesterSessionKey).length > 0;
  }

  /** A run that has told its process of nothing any more may have been told of them: its transcript knows. */
  async #alreadyDelivered(requesterSessionKey: string, keys: string[]): Promise<string[]> {
    const { registry, host } = this.#parts;
    const row = registry.byChildSession(requesterSessionKey);
    if (row !== undefined && isThreadRun(row)) return keysIn(row.transcriptPath, keys);
    return (await host.alreadyDelivered?.(requesterSessionKey, keys)) ?? [];
  }

  /** Any other requester is told of all that it asked for in one turn, under `announce.mode: "together"`. */
  #ready(requesterSessionKey: string, rows: PendingRow[]): PendingRow[] {
    const { live, config, registry } = this.#parts;
    const isRun = live.ofSession(requesterSessionKey) !== undefined;
    if (isRun || config.subagents.announce.mode === "each") return rows;
    return completeTurns(registry, requesterSessionKey, rows);
  }

  #delivered(completion: Completion, attempts: number): void {
    const row = this.#parts.registry.listed(completion.runId);
    this.#publish(completion, row, { type: "delivered", attempts });
    if (row === undefined) return;
    if (this.#beside !== undefined && isGatewayRun(row)) this.#beside.delivered(row);
    else this.#afterRun.delivered(row);
  }

  #undelivered(completion: Completion, reason: string): void {
    this.#publish(completion, this.#parts.registry.listed(completion.runId), { type: "undelivered", reason });
  }

  #publish(completion: Completion, row: RunRow | undefined, event: HandedOver): void {
    const { runId, childSessionKey: sessionKey, requesterSessionKey } = completion;
    const root = row?.rootSessionKey ?? requesterSessionKey;
    this.#parts.hub.publish({ runId, sessionKey, requesterSessionKey, at: Date.now(), ...event }, root);
  }
}

type HandedOver = Extract<LifecycleEvent, { type: "delivered" | "undelivered" }>;
