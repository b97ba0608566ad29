/** The way back from a gateway's run to its requester: the outbox and the announcer of every runtime. */

import { setTimeout as delay } from "node:timers/promises";
import { Announcer } from "../announce/announcer.ts";
import { completeTurns } from "../announce/one-turn.ts";
import { causeOf, InprocessError, messageOf } from "../errors.ts";
import type { LifecycleEvent } from "../events.ts";
import type { Completion } from "../types.ts";
import type { RunRow } from "../registry/run-row.ts";
import { deleteSession, sessionOf } from "./gateway-calls.ts";
import type { GatewayLink } from "./gateway-link.ts";
import { gatewayOf, type GatewayParts, type GatewayRun } from "./gateway-run.ts";
import { NOT_PUT_AWAY, putAway } from "./put-away.ts";
import type { Settler } from "./settler.ts";

/** Tells a runtime beside this one that something waits for that session. */
export type HandOver = (requesterSessionKey: string) => void;

export class GatewayAnnounce {
  readonly #parts: GatewayParts;
  readonly #announcer: Announcer | undefined;
  readonly #handOver: HandOver | undefined;

  /** @param handOver the runtime beside this one takes completions home; none are by this one */
  constructor(parts: GatewayParts, settler: Settler<GatewayRun>, handOver?: HandOver) {
    this.#parts = parts;
    this.#handOver = handOver;
    if (handOver !== undefined) return;
    const { registry, host, config, logger } = parts;
    const together = config.subagents.announce.mode === "together";
    this.#announcer = new Announcer({
      outbox: registry.outbox,
      logger,
      timeoutMs: config.agents.defaults.subagents.announceTimeoutMs,
      // A child of ours asks for none here: what it asked for in an earlier process goes on to its own requester.
      deliver: async (requester, completions) =>
        registry.byChildSession(requester) === undefined ? host.deliver(completions) : "gone",
      alreadyDelivered: async (requester, keys) => (await host.alreadyDelivered?.(requester, keys)) ?? [],
      holdBack: (requester) => settler.holdsFor(requester),
      ready: (requester, rows) => (together ? completeTurns(registry, requester, rows) : rows),
      requesterOf: (sessionKey) => registry.byChildSession(sessionKey)?.requesterSessionKey,
      onDelivered: (completion, attempts) => this.#delivered(completion, attempts),
      onUndelivered: (completion, reason) => this.#undelivered(completion, reason),
    });
  }

  settled({ id, sessionKey, facts }: GatewayRun): void {
    const { registry } = this.#parts;
    const row = registry.run(id);
    // Nothing is owed, so nothing comes later; a run that was given up for another leaves its session to that.
    const isLast = row?.delivery === "none" && registry.byChildSession(sessionKey)?.runId === id;
    if (isLast) this.cleanUp(row);
    this.nudge(facts.row.requesterSessionKey);
  }

  nudge(requesterSessionKey: string): void {
    if (this.#handOver === undefined) this.#announcer?.nudge(requesterSessionKey);
    else this.#handOver(requesterSessionKey);
  }

  /** Waits for deliveries under way. */
  async close(): Promise<void> {
    await this.#announcer?.close();
  }

  /** Deletes the session of a run whose requester has its completion, where that was asked for. */
  cleanUp(row: RunRow): void {
    if (row.cleanup !== "delete") return;
    const { link, logger, gateway } = this.#parts;
    const keeper = gatewayOf(row);
    if (keeper === undefined) {
      putAway(this.#parts, row).catch((error: unknown) => {
        logger.warn({ sessionKey: row.childSessionKey }, `${NOT_PUT_AWAY}: ${messageOf(error)}`);
      });
      return;
    }
    // Nobody here can delete what another gateway keeps.
    if (keeper !== gateway) return;
    const sessionKey = row.childSessionKey;
    forget(link, row).catch((error: unknown) => {
      const { code, message } = causeOf(error);
      // Closed before it could be looked at again.
      if (code === "runtime_closed") return;
      logger.warn({ sessionKey }, `the gateway didn't confirm that a session was deleted: ${message}`);
    });
  }

  #delivered(completion: Completion, attempts: number): void {
    const row = this.#parts.registry.listed(completion.runId);
    this.#publish(completion, row, { type: "delivered", attempts });
    if (row !== undefined) this.cleanUp(row);
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

/** A gateway that is still winding the run up may write its session once more, so it is looked at again. */
async function forget(link: GatewayLink, { requesterSessionKey, childSessionKey }: RunRow): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const refused = await deleteSession(link, childSessionKey).then(() => "it is there again", messageOf);
    await delay(LOOK_AGAIN_MS * tries, undefined, { ref: false });
    if ((await sessionOf(link, requesterSessionKey, childSessionKey)) === undefined) return;
    if (tries === DELETES) throw new InprocessError("gateway_refused", refused);
  }
}

const LOOK_AGAIN_MS = 1000;
const DELETES = 3;
