/**
 * Answers to results on their way to a channel. The gateway counts a turn as done when its model has answered: that the
 * channel refused the answer is said by a hook only, and there in 2026.4.1 without the session.
 */

import type { Logger } from "../../log.ts";
import type { SentContext, SentEvent } from "./api.ts";
import type { Route } from "./requester-session.ts";

export class ChannelSends {
  readonly #logger: Logger;
  /** By session. */
  readonly #expected = new Map<string, Route>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * A turn is started whose answer, if it has one, goes there. It may have nothing to say, and what is sent there later
   * isn't its answer.
   * @returns ends the expectation; a later turn's stays
   */
  expect(sessionKey: string, route: Route): () => void {
    const expected = { ...route };
    this.#expected.set(sessionKey, expected);
    return () => {
      if (this.#expected.get(sessionKey) === expected) this.#expected.delete(sessionKey);
    };
  }

  /** Something was sent, or wasn't: the first one where an answer is expected is taken for it. */
  sent(event: SentEvent, context: SentContext): void {
    const sessionKey = context.sessionKey ?? event.sessionKey;
    const expected = [...this.#expected].find(([session, { channel, to }]) =>
      sessionKey === undefined ? channel === context.channelId && to === event.to : session === sessionKey,
    );
    if (expected === undefined) return;
    const [requester, { channel, to }] = expected;
    this.#expected.delete(requester);
    if (event.success) return;
    const why = event.error ?? "no reason was given";
    this.#logger.warn(
      { sessionKey: requester, channel, to },
      `the answer to a subagent's result stands in the session but did not go out to its channel: ${why}`,
    );
  }
}
