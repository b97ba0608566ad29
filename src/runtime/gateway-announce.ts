/** The way back from a gateway's run to its requester: the outbox and the announcer of every runtime. */

import { Announcer } from "../announce/announcer.ts";
import { causeOf } from "../errors.ts";
import type { LifecycleEvent } from "../events.ts";
import type { Completion } from "../types.ts";
import { deleteSession } from "./gateway-calls.ts";
import type { GatewayParts, GatewayRun } from "./gateway-run.ts";
import type { Settler } from "./settler.ts";

export class GatewayAnnounce {
  readonly #parts: GatewayParts;
  readonly #announcer: Announcer;

  constructor(parts: GatewayParts, settler: Settler<GatewayRun>) {
    this.#parts = parts;
    const { registry, host, config, logger, live } = parts;
    const together = config.subagents.announce.mode === "together";
    this.#announcer = new Announcer({
      outbox: registry.outbox,
      logger,
      timeoutMs: config.agents.defaults.subagents.announceTimeoutMs,
      deliver: (_requester, completions) => host.deliver(completions),
      alreadyDelivered: async (requester, keys) => (await host.alreadyDelivered?.(requester, keys)) ?? [],
      holdBack: (requester) => settler.holdsFor(requester) || (together && live.childrenOf(requester).length > 0),
      requesterOf: (sessionKey) => registry.byChildSession(sessionKey)?.requesterSessionKey,
      onDelivered: (completion, attempts) => this.#delivered(completion, attempts),
      onUndelivered: (completion, reason) => this.#publish(completion, { type: "undelivered", reason }),
    });
  }

  nudge(requesterSessionKey: string): void {
    this.#announcer.nudge(requesterSessionKey);
  }

  /** Waits for deliveries under way. */
  close(): Promise<void> {
    return this.#announcer.close();
  }

  #delivered(completion: Completion, attempts: number): void {
    const { registry, link, logger } = this.#parts;
    this.#publish(completion, { type: "delivered", attempts });
    if (registry.run(completion.runId)?.cleanup !== "delete") return;
    const sessionKey = completion.childSessionKey;
    deleteSession(link, sessionKey).catch((error: unknown) =>
      logger.warn({ sessionKey }, `the gateway didn't confirm that a session was deleted: ${causeOf(error).message}`),
    );
  }

  #publish(completion: Completion, event: Extract<LifecycleEvent, { type: "delivered" | "undelivered" }>): void {
    const { runId, childSessionKey: sessionKey, requesterSessionKey } = completion;
    const root = this.#parts.registry.run(runId)?.rootSessionKey ?? requesterSessionKey;
    this.#parts.hub.publish({ runId, sessionKey, requesterSessionKey, at: Date.now(), ...event }, root);
  }
}
